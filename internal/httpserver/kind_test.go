package httpserver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/test/await"
)

// blocked returns a GET and a POST route whose handlers signal on begun that they have started, and then wait on the
// may channel, even if the client leaves. Requests for paths that end in /free are served at once.
func blocked(kind Kind, path string, begun chan<- struct{}, may <-chan struct{}) []Route {
	serve := func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			if _, err := ReadRaw(r); err != nil {
				return err
			}
		}
		if r.PathValue("rest") != "free" {
			begun <- struct{}{}
			<-may
		}
		return ok(w, r)
	}
	routes := []Route{route(http.MethodGet, path, serve), route(http.MethodPost, path, serve)}
	routes[0].Kind, routes[1].Kind = kind, kind
	return routes
}

// quick returns settings with a short deadline, so that overload is detected after 40 ms.
func quick() Config {
	cfg := settings()
	cfg.Deadline = 200 * time.Millisecond
	return cfg
}

// refusedAt sends requests until one is refused, and returns the admitted requests.
func refusedAt(t *testing.T, server *Server, path string, begun <-chan struct{}) (admitted []<-chan result) {
	t.Helper()
	for {
		next := askLater(t, client(), server, path)
		select {
		case <-begun:
			admitted = append(admitted, next)
		case got := <-next:
			if got.status != http.StatusServiceUnavailable || got.err != nil {
				t.Fatalf("after %d admitted requests: got %+v, want 503", len(admitted), got)
			}
			return admitted
		case <-time.After(hang):
			t.Fatalf("after %d admitted requests: the next was neither admitted nor refused", len(admitted))
		}
	}
}

// While the store is blocked, 128 requests wait for it, along with a few more that arrived before the overload was
// detected. All further requests are refused at once, before they have sent their bodies. When the store recovers,
// every waiting request succeeds.
func TestBlockedStoreOnSockets(t *testing.T) {
	begun, may := make(chan struct{}), make(chan struct{})
	routes := append(blocked(Fights, "/fight", begun, may), route(http.MethodGet, "/other", ok))
	server, log := serving(t, quick(), routes...)
	var waiting []<-chan result
	for range alwaysAdmitted {
		waiting = append(waiting, askLater(t, client(), server, "/fight"))
		await.Value(t, "each of the first 128 requests is admitted", begun)
	}
	waiting = append(waiting, refusedAt(t, server, "/fight", begun)...)
	for range 5 {
		got := ask(t, server, http.MethodGet, "/fight", "")
		problem := got.problem(t, http.StatusServiceUnavailable)
		if want := "too many fights and picks at once; retry later"; problem.Detail != want {
			t.Errorf("detail %q, want %q", problem.Detail, want)
		}
		if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 || after > 5 {
			t.Errorf("Retry-After %q, want 1 to 5", got.header.Get("Retry-After"))
		}
	}
	c := dial(t, server)
	c.send(t, "POST /fight HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n")
	got, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	got.problem(t, http.StatusServiceUnavailable)
	c.send(t, strings.Repeat("x", 60000)+"GET /other HTTP/1.1\r\nHost: test\r\n\r\n")
	if got, err := c.next(); err != nil || got.status != http.StatusOK || got.closes {
		t.Errorf("the next request on the connection: got response %+v, error %v", got, err)
	}
	if lines := log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "too many fights and picks at once") {
		t.Errorf("7 refusals logged %q, want one line", lines)
	}

	close(may)
	for _, one := range waiting {
		if got := await.Value(t, "a request gets its response", one); got.status != http.StatusOK || got.err != nil {
			t.Errorf("an admitted request got %+v, want 200", got)
		}
	}
	for range 2 * alwaysAdmitted {
		one := askLater(t, client(), server, "/fight")
		await.Value(t, "a request is admitted after the store has recovered", begun)
		await.Value(t, "it gets its response", one)
	}
}

// Clients that don't send their bodies or don't read their responses occupy no slots.
func TestSlowClientsHoldNoSlots(t *testing.T) {
	body := make([]byte, 64<<20)
	large := route(http.MethodGet, "/large", func(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, body) })
	large.Kind = Fights
	begun, may := make(chan struct{}, 1), make(chan struct{})
	close(may)
	server, _ := serving(t, quick(), append(blocked(Fights, "/fight", begun, may), large)...)
	for range 2 * alwaysAdmitted {
		dial(t, server).send(t, "POST /fight HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab")
		reads := dial(t, server, smallWindow)
		reads.send(t, "GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
		if _, err := reads.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	for begin := time.Now(); time.Since(begin) < 3*quick().Deadline/intervalShare; {
		one := askLater(t, client(), server, "/fight")
		await.Value(t, "a request is admitted despite slow clients", begun)
		if got := await.Value(t, "it gets its response", one); got.status != http.StatusOK {
			t.Errorf("got %+v", got)
		}
	}
}

// Successes and 404s count towards throughput; failures don't.
func TestResponsesThatCount(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve Handler
		want  int64
	}{
		{"200", ok, 1},
		{"404", func(http.ResponseWriter, *http.Request) error { return Errorf(http.StatusNotFound, "gone") }, 1},
		{"500, unforeseen", func(http.ResponseWriter, *http.Request) error { return io.ErrUnexpectedEOF }, 0},
		{"a panic", func(http.ResponseWriter, *http.Request) error { panic("no") }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get(c.serve)
			r.Kind = Fights
			api, _ := newAPI(settings(), r)
			api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
			limit := api.limiters[Fights][0].(*overload)
			if got, left := limit.completed.Load(), limit.inFlight.Load(); got != c.want || left != 0 {
				t.Errorf("%d requests count as completed and %d are in flight, want %d and none", got, left, c.want)
			}
		})
	}
}

// When requests of one kind are refused because too many are in flight, requests of all other kinds still succeed.
func TestKindsDoNotStarveEachOther(t *testing.T) {
	paths := map[Kind]string{
		Reads: "/one", Fights: "/fight", Lists: "/list", Searches: "/list?name=x", Streams: "/stream", Writes: "/write", Checks: "/check",
	}
	for full, path := range paths {
		t.Run(full.String(), func(t *testing.T) {
			begun, may := make(chan struct{}), make(chan struct{})
			var routes []Route
			for kind, path := range paths {
				if kind != Searches {
					routes = append(routes, blocked(kind, path+"/{rest}", begun, may)...)
				}
			}
			server, _ := serving(t, quick(), routes...)
			sub := func(path, rest string) string { // keeps the query
				before, query, _ := strings.Cut(path, "?")
				return before + "/" + rest + "?" + query
			}
			admitted := refusedAt(t, server, sub(path, "blocked"), begun)
			for kind, path := range paths {
				if kind == full {
					continue
				}
				if got := ask(t, server, http.MethodGet, sub(path, "free"), ""); got.status != http.StatusOK {
					t.Errorf("with %d %s in flight, %s got %d %s", len(admitted), full, path, got.status, got.body)
				}
			}
			close(may)
			for _, one := range admitted {
				await.Value(t, "each admitted request gets its response", one)
			}
		})
	}
}

// As long as at most 128 requests of a kind are in flight, none of them is refused: they run concurrently or wait their
// turn.
func TestNothingIsRefusedUpTo128(t *testing.T) {
	for kind := range Unlimited {
		if kind == Streams {
			continue // they never end
		}
		t.Run(kind.String(), func(t *testing.T) {
			one := get(func(w http.ResponseWriter, r *http.Request) error {
				time.Sleep(time.Millisecond)
				return ok(w, r)
			})
			one.Kind = kind
			server, _ := serving(t, settings(), one)
			var clients sync.WaitGroup
			for range alwaysAdmitted {
				c := dial(t, server)
				clients.Go(func() {
					for range 3 {
						c.succeeds(t, "a client")
					}
				})
			}
			clients.Wait()
		})
	}
}

// A search that gets its slot too late to finish in time is refused with "too many searches and counts at once",
// because the store isn't to blame. A write in the same situation may have been stored, and its response says so.
func TestSlotAcquiredTooLate(t *testing.T) {
	for kind, slots := range map[Kind]int{Searches: maxSearches(), Writes: 16} {
		t.Run(kind.String(), func(t *testing.T) {
			cfg := settings()
			cfg.Deadline = 400 * time.Millisecond
			begun, may := make(chan struct{}), make(chan struct{})
			late := route(http.MethodGet, "/late", func(_ http.ResponseWriter, r *http.Request) error {
				<-r.Context().Done()
				return StoreProblem(r.Context().Err(), "in doubt")
			})
			late.Kind = kind
			server, _ := serving(t, cfg, append(blocked(kind, "/", begun, may), late)...)
			for range max(1, slots-max(1, slots/4)) { // the number of slots that one address may use
				askLater(t, client(), server, "/")
				await.Value(t, "a request is in flight", begun)
			}
			time.AfterFunc(3*cfg.Deadline/4, func() { close(may) })
			problem := ask(t, server, http.MethodGet, "/late", "").problem(t, http.StatusServiceUnavailable)
			want := "too many searches and counts at once; retry later"
			if kind == Writes {
				want = "the store did not answer before the request's deadline; in doubt"
			}
			if problem.Detail != want {
				t.Errorf("detail %q, want %q", problem.Detail, want)
			}
		})
	}
}

// No client can occupy all slots of a kind with responses that it doesn't read, not even on a machine with few cores.
func TestOneClientCannotHoldAllSlots(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for kind := range Unlimited {
		limit := newLimiter(kind, time.Second)
		if _, waits := limit.(slots); !waits {
			continue
		}
		for limit.enter(from(gone, "192.0.2.1:1")) { // fill the slots until the next request would have to wait
		}
		if !limit.enter(from(gone, "192.0.2.2:1")) {
			t.Errorf("%s: one client can occupy all slots", kind)
		}
	}
}

// from returns a request from the given address.
func from(ctx context.Context, addr string) *http.Request {
	return (&http.Request{RemoteAddr: addr}).WithContext(ctx)
}
