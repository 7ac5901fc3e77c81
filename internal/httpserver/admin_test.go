package httpserver

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// guarded starts a service whose only route requires the administrator's token.
func guarded(t *testing.T, token string) (*Server, *log) {
	t.Helper()
	only := route(http.MethodPost, "/", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := ReadRaw(r); err != nil {
			return err
		}
		return ok(w, r)
	})
	only.Admin = NewAdmin(token)
	return serving(t, settings(), only)
}

func TestAdmin(t *testing.T) {
	const token = "pass word,é="
	enabled, _ := guarded(t, token)
	disabled, _ := guarded(t, "")
	for _, c := range []struct {
		name   string
		server *Server
		sent   []string // values of the Authorization header
		status int
	}{
		{"the token", enabled, []string{"Bearer " + token}, 200},
		{"scheme in mixed case", enabled, []string{"bEARER  " + token}, 200},
		{"no Authorization header", enabled, nil, 401},
		{"scheme without a token", enabled, []string{"Bearer"}, 401},
		{"a prefix of the token", enabled, []string{"Bearer pass"}, 401},
		{"the token followed by another character", enabled, []string{"Bearer " + token + "x"}, 401},
		{"the token in upper case", enabled, []string{"Bearer " + strings.ToUpper(token)}, 401},
		{"scheme other than Bearer", enabled, []string{"Basic " + token}, 401},
		{"two Authorization headers", enabled, []string{"Bearer " + token, "Bearer " + token}, 401},
		{"changes disabled", disabled, nil, 403},
		{"changes disabled, with a token", disabled, []string{"Bearer x"}, 403},
		{"changes disabled, with an empty token", disabled, []string{"Bearer "}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := newRequest(t, c.server, http.MethodPost, "/", nil)
			request.Header["Authorization"] = c.sent
			got := do(t, client(), request)
			if got.status != c.status {
				t.Fatalf("got %d %s, want %d", got.status, got.body, c.status)
			}
			if c.status != 200 {
				got.problem(t, c.status)
			}
			if challenge := got.header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Bearer") != (c.status == 401) {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
			if c.status == 403 && !strings.Contains(got.body, "ADMIN_TOKEN") {
				t.Errorf("the detail doesn't say how to enable changes: %s", got.body)
			}
			if strings.Contains(got.body, token) {
				t.Errorf("the response reveals the token: %s", got.body)
			}
		})
	}
	t.Run("refused before the body is read", func(t *testing.T) {
		c := dial(t, enabled)
		c.send(t, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{")
		if got, err := c.next(); err != nil || got.status != http.StatusUnauthorized {
			t.Errorf("got response %+v and error %v, want a 401", got, err)
		}
	})
	t.Run("a page on another site can't try tokens", func(t *testing.T) {
		got := ask(t, enabled, http.MethodPost, "/", "", "Origin", "http://elsewhere.example", "Authorization", "Bearer "+token)
		got.problem(t, http.StatusForbidden)
	})
}

// Up to ten wrong tokens are allowed in any minute. Each time the limit is exceeded, one line is logged.
func TestGuessesWithinAMinute(t *testing.T) {
	for _, c := range []struct {
		name  string
		pause time.Duration // pause before each guess except the first
		want  string        // result of each guess: t for allowed, 1 for the first refusal, r for a later refusal
	}{
		{"all guesses at once", 0, "tttttttttt1rrrr"},
		{"one guess every 6 s", 6 * time.Second, "ttttttttttttttt"},
		{"one guess every 4 s", 4 * time.Second, "tttttttttt1rrrrttttttttttrrrrrt"},
		{"one guess every 5.999999999 s", 6*time.Second - 1, "tttttttttt1tttttt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g guesses
				var got strings.Builder
				for i := range c.want {
					if i > 0 {
						time.Sleep(c.pause)
					}
					wait, first := g.take(time.Now())
					if want := time.Minute - 10*c.pause; wait > 0 && i == maxGuesses && wait != want {
						t.Errorf("the first refused guess was told to wait %s, want %s", wait, want)
					}
					switch {
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
				time.Sleep(2 * time.Minute)
				var logged, taken atomic.Int32 // results of concurrent guesses after a pause
				var all sync.WaitGroup
				for range 80 {
					all.Go(func() {
						wait, first := g.take(time.Now())
						if first {
							logged.Add(1)
						}
						if wait <= 0 {
							taken.Add(1)
						}
					})
				}
				all.Wait()
				if logged.Load() != 1 || taken.Load() != maxGuesses {
					t.Errorf("after a pause, %d guesses were allowed and %d warnings were logged", taken.Load(), logged.Load())
				}
			})
		})
	}
}

// The first ten wrong tokens get a 401, further ones a 429. The right token is always accepted, a missing token always
// gets a 401, and the log has a single line, which contains no token.
func TestGuesses(t *testing.T) {
	server, written := guarded(t, "secret")
	post := func(header ...string) reply { return ask(t, server, http.MethodPost, "/", "", header...) }
	for i := range 2 * maxGuesses {
		got, want := post("Authorization", "Bearer guess-"+strconv.Itoa(i)), http.StatusUnauthorized
		if i >= maxGuesses {
			want = http.StatusTooManyRequests
		}
		got.problem(t, want)
		if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (want == http.StatusUnauthorized) {
			t.Errorf("a response with status %d has WWW-Authenticate %q", want, challenge)
		}
		after, err := strconv.Atoi(got.header.Get("Retry-After"))
		if want == http.StatusTooManyRequests && (err != nil || after < 1 || after > 60) {
			t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
		if got := post("Authorization", "Bearer secret"); got.status != http.StatusOK {
			t.Errorf("after %d guesses the right token got response %d %s", i+1, got.status, got.body)
		}
		post().problem(t, http.StatusUnauthorized)
		post("Authorization", "Basic secret").problem(t, http.StatusUnauthorized)
	}
	lines := written.lines()
	if len(lines) != 1 || !strings.Contains(lines[0], " - WARN - too many wrong tokens") ||
		strings.Contains(lines[0], "guess-") || strings.Contains(lines[0], "secret") {
		t.Errorf("logged %q, want one line without a token", lines)
	}
}
