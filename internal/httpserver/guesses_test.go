package httpserver

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Ten wrong tokens are within the limit in any minute, and each time the limit is reached there is one log line.
func TestGuessesWithinAMinute(t *testing.T) {
	for _, c := range []struct {
		name  string
		pause time.Duration // before each guess but the first
		want  string        // result of each: t taken, 1 the first refused, r refused
	}{
		{"at once", 0, "tttttttttt1rrrr"},
		{"every 6 s", 6 * time.Second, "ttttttttttttttt"},
		{"every 4 s, told once", 4 * time.Second, "tttttttttt1rrrrttttttttttrrrrrt"},
		{"a nanosecond less", 6*time.Second - 1, "tttttttttt1tttttt"},
		{"every 61 s", 61 * time.Second, "ttttttttttttttt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g guesses
				var got strings.Builder
				for i := range c.want {
					if i > 0 {
						time.Sleep(c.pause)
					}
					switch wait, first := g.take(time.Now()); {
					case wait < 0 || wait > guessWindow:
						t.Errorf("guess %d must wait %s", i, wait)
					case first:
						got.WriteByte('1')
					case wait > 0:
						got.WriteByte('r')
					default:
						got.WriteByte('t')
					}
				}
				if got.String() != c.want {
					t.Errorf("got %s, want %s", &got, c.want)
				}
			})
		})
	}
}

// After the wait another guess is allowed, but only one if they were spread out. Continued guessing is logged once,
// and again after a minute below the limit.
func TestGuessesAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		for range maxGuesses {
			g.take(time.Now())
			time.Sleep(time.Second)
		}
		wait, first := g.take(time.Now())
		if want := guessWindow - maxGuesses*time.Second; wait != want || !first {
			t.Errorf("wait %s (first: %t), want %s", wait, first, want)
		}
		time.Sleep(wait - time.Nanosecond)
		if wait, first := g.take(time.Now()); wait != 1 || first {
			t.Errorf("just before its end: %s, %t", wait, first)
		}
		time.Sleep(time.Nanosecond)
		if wait, _ := g.take(time.Now()); wait != 0 {
			t.Errorf("after the wait: %s", wait)
		}
		if wait, first := g.take(time.Now()); wait != time.Second || first {
			t.Errorf("one more: %s, %t", wait, first)
		}
		time.Sleep(2 * guessWindow)
		told := 0
		for range 2 * maxGuesses {
			if _, first := g.take(time.Now()); first {
				told++
			}
		}
		if told != 1 {
			t.Errorf("after a pause it was logged %d times", told)
		}
	})
}

// guarded starts a service with one route for the administrator.
func guarded(t *testing.T, token string) (*Server, *log) {
	t.Helper()
	only := route(http.MethodPost, "/", ok)
	only.Admin = NewAdmin(token)
	return serving(t, settings(), only)
}

// Wrong tokens get a 401, after ten a 429; meanwhile the right one is accepted, a missing one always gets a 401, and
// the log has one line that contains no token.
func TestGuesses(t *testing.T) {
	server, written := guarded(t, "secret")
	post := func(header ...string) answer { return ask(t, server, http.MethodPost, "/", "", header...) }
	for i := range 3 * maxGuesses {
		got, want := post("Authorization", "Bearer guess-"+strconv.Itoa(i)), http.StatusUnauthorized
		if i >= maxGuesses {
			want = http.StatusTooManyRequests
		}
		got.problem(t, want)
		if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (want == http.StatusUnauthorized) {
			t.Errorf("a %d has WWW-Authenticate %q", want, challenge)
		}
		if after, err := strconv.Atoi(got.header.Get("Retry-After")); want == http.StatusTooManyRequests && (err != nil || after < 1 || after > 60) {
			t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
		if got := post("Authorization", "Bearer secret"); got.status != http.StatusOK {
			t.Errorf("after %d guesses the right token got %d %s", i+1, got.status, got.body)
		}
		post().problem(t, http.StatusUnauthorized)
		post("Authorization", "Basic secret").problem(t, http.StatusUnauthorized)
	}
	lines := written.lines()
	if len(lines) != 1 || !strings.Contains(lines[0], " - WARN - too many wrong tokens") || strings.Contains(lines[0], "guess-") || strings.Contains(lines[0], "secret") {
		t.Errorf("the log is %q, want one line without a token", lines)
	}
}

// Of many concurrent guesses exactly ten are within the limit.
func TestGuessesAtOnce(t *testing.T) {
	server, written := guarded(t, "secret")
	statuses := map[int]*atomic.Int64{200: {}, 401: {}, 429: {}}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 10 {
				for _, token := range []string{fmt.Sprint("guess-", i, j), "secret"} {
					status := ask(t, server, http.MethodPost, "/", "", "Authorization", "Bearer "+token).status
					if statuses[status] == nil {
						t.Errorf("got %d", status)
						return
					}
					statuses[status].Add(1)
				}
			}
		})
	}
	all.Wait()
	if statuses[200].Load() != 80 || statuses[401].Load() != maxGuesses || statuses[429].Load() != 80-maxGuesses || len(written.lines()) != 1 {
		t.Errorf("%d 200, %d 401, %d 429, logged %q", statuses[200].Load(), statuses[401].Load(), statuses[429].Load(), written.lines())
	}
}
