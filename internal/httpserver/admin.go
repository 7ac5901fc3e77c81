package httpserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Admin checks the administrator's token. Admin stores only a hash of the token, so a memory dump doesn't reveal the
// token itself.
type Admin struct {
	hash    [sha256.Size]byte
	enabled bool
	guesses guesses
}

// NewAdmin returns an Admin that accepts the token. With an empty token it refuses every request.
func NewAdmin(token string) *Admin {
	return &Admin{hash: sha256.Sum256([]byte(token)), enabled: token != ""}
}

// check refuses a request that doesn't carry the token. The comparison takes constant time and precedes the rate limit,
// so wrong guesses never lock the administrator out.
func (a *Admin) check(log *slog.Logger, r *http.Request) error {
	if !a.enabled {
		return Errorf(http.StatusForbidden, "changes are disabled: start the service with ADMIN_TOKEN or --admin-token set, and send the token as Authorization: Bearer TOKEN")
	}
	token := bearer(r.Header)
	sent := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sent[:], a.hash[:]) == 1 {
		return nil
	}
	if token != "" { // a missing token doesn't count as a guess
		if err := a.guesses.check(log, r); err != nil {
			return err
		}
	}
	problem := Errorf(http.StatusUnauthorized, "this needs the administrator's token, as Authorization: Bearer TOKEN")
	problem.Challenge = `Bearer realm="superheroes"`
	return problem
}

// bearer returns the request's bearer token, or "" if it has none.
func bearer(header http.Header) string {
	sent := header.Values("Authorization")
	if len(sent) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// More than maxGuesses wrong tokens within guessWindow count as guessing.
const (
	maxGuesses  = 10
	guessWindow = time.Minute
)

// guesses limits the number of wrong tokens from all callers together: behind a proxy all callers share one address,
// and an attacker may have many addresses. The zero value is ready to use. Its methods are safe for concurrent use.
type guesses struct {
	mu      sync.Mutex
	taken   [maxGuesses]time.Time // times of the latest wrong tokens within the limit
	oldest  int                   // index into taken
	refused time.Time             // time of the latest wrong token beyond the limit
}

// take counts a wrong token. If the token exceeds the limit, take returns how long to wait before another is allowed,
// and whether this is the first refusal after at least one window without any.
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

// check counts a wrong token and returns a 429 if it exceeds the limit, otherwise nil. It logs a warning for the first
// token beyond the limit.
func (g *guesses) check(log *slog.Logger, r *http.Request) error {
	wait, first := g.take(time.Now())
	if wait <= 0 {
		return nil
	}
	if first {
		log.Warn("too many wrong tokens; someone may be guessing the administrator's token", append(logged(r.Context()),
			"limit", maxGuesses, "within", guessWindow, "client", r.RemoteAddr, "path", r.URL.Path)...)
	}
	problem := Errorf(http.StatusTooManyRequests, "too many wrong tokens; the right one is still accepted")
	problem.RetryAfter = wait
	return problem
}

// documentAdmin documents that a route requires the administrator's token.
func (a *API) documentAdmin(route *Route) {
	const scheme = "admin"
	a.document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		scheme: {Type: "http", Scheme: "bearer", Description: "The service's ADMIN_TOKEN."},
	}
	route.Security = []map[string][]string{{scheme: {}}}
	a.Problems(route.Responses, map[int]string{
		http.StatusUnauthorized:    "The token is missing or wrong.",
		http.StatusForbidden:       "The service was started without ADMIN_TOKEN, so changes are disabled, or a browser sent the request on behalf of a page on another site.",
		http.StatusTooManyRequests: "The token is wrong, and there were ten wrong tokens within the last minute; Retry-After says when to try again. The right token is never refused.",
	})
}
