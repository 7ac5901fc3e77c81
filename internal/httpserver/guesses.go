package httpserver

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// More wrong tokens than maxGuesses within guessWindow are guesses.
const (
	maxGuesses  = 10
	guessWindow = time.Minute
)

// guesses remembers when wrong tokens came, all callers' together: behind a proxy they have one address, and whoever
// guesses may have many. The zero value is ready. Its methods may be called concurrently.
type guesses struct {
	mu      sync.Mutex
	taken   [maxGuesses]time.Time // the last ones that were within the limit
	oldest  int                   // its place in taken
	refused time.Time             // when the last one was above it
}

// take counts a wrong token that comes now. When it is one too many, it returns how long until another one isn't, and
// whether it is the first of them after a quiet while.
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

// check returns the answer to a wrong token that is one too many, nil when it isn't, and warns of the first.
func (g *guesses) check(log *slog.Logger, r *http.Request) error {
	wait, first := g.take(time.Now())
	if wait <= 0 {
		return nil
	}
	if first {
		log.Warn("too many wrong tokens; somebody may be guessing the administrator's token", "limit", maxGuesses, "within", guessWindow,
			"client", r.RemoteAddr, "path", r.URL.Path, "request_id", RequestID(r.Context()))
	}
	problem := Errorf(http.StatusTooManyRequests, "too many wrong tokens; the right one is still accepted")
	problem.RetryAfter = wait
	return problem
}
