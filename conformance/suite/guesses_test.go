package suite

import (
	"net/http"
	"testing"

	"superheroes/test/system"
)

func wrongGuesses(r room) []wrong {
	one := r.path() + "/*"
	limited := func(change func(*exchange)) fault {
		return fault{after: func(e *exchange) {
			if e.status == http.StatusTooManyRequests {
				change(e)
			}
		}}
	}
	return []wrong{
		{"guesses", "no limit on wrong tokens", limited(turn(429, 401))},
		{"guesses", "no Retry-After", limited(dropHeader("Retry-After"))},
		{"guesses", "Retry-After of an hour", limited(setHeader("Retry-After", "3600"))},
		{"guesses", "Retry-After as a date", limited(setHeader("Retry-After", "Sat, 28 Nov 2026 12:00:00 GMT"))},
		{"guesses", "without a reason", limited(func(e *exchange) { e.body = "{}" })},
		{"guesses.right", "the right token also gets 429 after wrong tokens", lockedOut(http.StatusTooManyRequests)},
		{"guesses.right", "the right token gets 401 after wrong tokens", lockedOut(http.StatusUnauthorized)},
		{"guesses.right", "a missing token counts as a guess", fault{before: at("DELETE "+one, func(e *exchange) {
			if e.header.Get("Authorization") == "" {
				e.header.Set("Authorization", "Bearer of nothing")
			}
		})}},
		{"guesses.right", "a missing token is accepted", fault{after: at("DELETE "+one, func(e *exchange) {
			if e.header.Get("Authorization") == "" {
				e.answer(http.StatusNoContent, "")
			}
		})}},
	}
}

// lockedOut returns a fault: after the first 429, the proxy responds with the given status to every request that has a
// token.
func lockedOut(status int) fault {
	limited := false
	return fault{
		before: func(e *exchange) {
			if limited && e.header.Get("Authorization") != "" {
				e.answer(status, `{"title":"Refused","status":429,"detail":"too many wrong tokens"}`)
			}
		},
		after: func(e *exchange) { limited = limited || e.status == http.StatusTooManyRequests },
	}
}

// TestTwiceWithinAMinute checks that the guesses of one run don't make the next run fail.
func TestTwiceWithinAMinute(t *testing.T) {
	t.Parallel()
	s := system.Up(t, system.Build(t), t.TempDir())
	for range 2 {
		allPass(t, score(t, targetOf(s), Options{Group: Writes}))
	}
}
