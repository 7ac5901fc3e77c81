package httpserver

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// More than maxGuesses wrong tokens within guessWindow count as guessing.
const (
	maxGuesses  = 10
	guessWindow = time.Minute
)

// guesses limits wrong tokens, counted over all callers: behind a proxy they share one address, and an attacker may
// have many. The zero value is ready to use. Its methods are safe for concurrent use.
type guesses struct {
	mu      sync.Mutex
	taken   [maxGuesses]time.Time // the last ones within the limit
	oldest  int                   // index into taken
	refused time.Time             // time of the last one above the limit
}

// take counts a wrong token. If it exceeds the limit, take returns how long until another is allowed, and whether it
// is the first refused in a whole window.
func (g *guesses) take(now time.Time) (wait time.Duration, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait = g.taken[g.oldest].Add(guessWindow).Sub(now); wait > 0 {
		first = now.Sub(g.refused) >= guessWindow
		g.refused = now
		return wait, first
	}
	g.taken[g.oldest] = now
	g.oldest = (g.oldest + 1) % maxGuesses
	return 0, false
}

// check returns the 429 for a wrong token beyond the limit, nil otherwise, and logs a warning for the first.
func (g *guesses) check(log *slog.Logger, r *http.Request) error {
	wait, first := g.take(time.Now())
	if wait <= 0 {
		return nil
	}
	if first {
		log.Warn("too many wrong tokens; someone may be guessing the administrator's token", "limit", maxGuesses, "within", guessWindow,
			"client", r.RemoteAddr, "path", r.URL.Path, "request_id", RequestID(r.Context()))
	}
	problem := Errorf(http.StatusTooManyRequests, "too many wrong tokens; the right one is still accepted")
	problem.RetryAfter = wait
	return problem
}
