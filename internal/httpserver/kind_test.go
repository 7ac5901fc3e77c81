package httpserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"superheroes/test/await"
)

// blocked returns a route whose handler signals its start, and waits until it may continue, even if the client
// leaves.
func blocked(kind Kind, path string, begun chan<- struct{}, may <-chan struct{}) Route {
	method := http.MethodGet
	if strings.HasSuffix(path, "/post") {
		method = http.MethodPost
	}
	r := route(method, path, func(w http.ResponseWriter, r *http.Request) error {
		if method == http.MethodPost {
			if _, err := ReadRaw(r); err != nil {
				return err
			}
		}
		begun <- struct{}{}
		<-may
		return ok(w, r)
	})
	r.Kind = kind
	return r
}

// quick returns settings with which overload is detected after 40 ms.
func quick() Config {
	cfg := settings()
	cfg.Deadline = 200 * time.Millisecond
	return cfg
}

// refusedAt sends requests until one is refused, and returns the ones admitted before.
func refusedAt(t *testing.T, server *Server, path string, begun <-chan struct{}) (admitted []<-chan result) {
	t.Helper()
	for {
		next := askLater(t, server, path)
		select {
		case <-begun:
			admitted = append(admitted, next)
		case got := <-next:
			if got.status != http.StatusServiceUnavailable || got.err != nil {
				t.Fatalf("after %d: got %+v, want 503", len(admitted), got)
			}
			return admitted
		case <-time.After(hang):
			t.Fatalf("after %d: the next was neither admitted nor refused", len(admitted))
		}
	}
}

// While the store is blocked, 128 requests wait for it, and a few more that came before the overload was detected.
// All others are refused at once, before they have sent their body. When the store is back, every waiting request is
// answered.
func TestBlockedStoreOnSockets(t *testing.T) {
	begun, may := make(chan struct{}), make(chan struct{})
	other := route(http.MethodGet, "/other", ok)
	server, log := serving(t, quick(), blocked(Fights, "/fight", begun, may), blocked(Fights, "/fight/post", begun, may), other)
	var waiting []<-chan result
	for range always {
		waiting = append(waiting, askLater(t, server, "/fight"))
		await.Value(t, "one of 128 is admitted", begun)
	}
	waiting = append(waiting, refusedAt(t, server, "/fight", begun)...)
	for range 20 {
		got := ask(t, server, http.MethodGet, "/fight", "")
		problem := got.problem(t, http.StatusServiceUnavailable)
		if want := "too many fights and picks at once; retry later"; problem.Detail != want {
			t.Errorf("detail %q, want %q", problem.Detail, want)
		}
		if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 || after > 5 {
			t.Errorf("Retry-After %q, want 1 to 5", got.header.Get("Retry-After"))
		}
	}
	conn := dial(t, server)
	reader := bufio.NewReader(conn)
	send(t, conn, "POST /fight/post HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n")
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("without the body: got %v, %v, want 503", response, err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	send(t, conn, strings.Repeat("x", 60000)+"GET /other HTTP/1.1\r\nHost: test\r\n\r\n")
	if keeps, err := readAnswer(reader); err != nil || !keeps {
		t.Errorf("the next request on the connection: %t, %v", keeps, err)
	}
	if lines := log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "too many fights and picks at once") {
		t.Errorf("22 refusals logged %q, want one line", lines)
	}

	close(may)
	for _, one := range waiting {
		if got := await.Value(t, "a request is answered", one); got.status != http.StatusOK || got.err != nil {
			t.Errorf("an admitted request got %+v", got)
		}
	}
	for range 2 * always {
		one := askLater(t, server, "/fight")
		await.Value(t, "one is admitted when the store is back", begun)
		await.Value(t, "it is answered", one)
	}
}

// Clients that don't send their body, or don't read their response, take no slot from others.
func TestSlowClientsTakeNoPlace(t *testing.T) {
	body := make([]byte, 64<<20)
	large := route(http.MethodGet, "/large", func(w http.ResponseWriter, _ *http.Request) error {
		return WriteJSON(w, body)
	})
	large.Kind = Fights
	begun, may := make(chan struct{}, 1), make(chan struct{})
	close(may)
	server, _ := serving(t, quick(), large, blocked(Fights, "/fight/post", begun, may), blocked(Fights, "/fight", begun, may))
	for range 2 * always {
		send(t, dial(t, server), "POST /fight/post HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab")
		reads := dialSmall(t, server)
		send(t, reads, "GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
		if _, err := reads.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	for begin := time.Now(); time.Since(begin) < 3*quick().Deadline/intervalShare; {
		one := askLater(t, server, "/fight")
		await.Value(t, "one is admitted beside slow clients", begun)
		if got := await.Value(t, "it is answered", one); got.status != http.StatusOK {
			t.Errorf("got %+v", got)
		}
	}
}

// Throughput counts responses, including 404s. Failures don't count.
func TestAnswersThatCount(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve Handler
		want  int64
	}{
		{"200", ok, 1},
		{"404", func(http.ResponseWriter, *http.Request) error { return Errorf(http.StatusNotFound, "gone") }, 1},
		{"503", func(http.ResponseWriter, *http.Request) error { return Unavailable("away") }, 0},
		{"500, unforeseen", func(http.ResponseWriter, *http.Request) error { return io.ErrUnexpectedEOF }, 0},
		{"a panic", func(http.ResponseWriter, *http.Request) error { panic("no") }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := route(http.MethodGet, "/", c.serve)
			r.Kind = Fights
			api, _ := newAPI(settings(), r)
			api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
			limit := api.limiters[Fights].(*overload)
			if got, left := limit.answered.Load(), limit.underWay.Load(); got != c.want || left != 0 {
				t.Errorf("%d counted as answered and %d are under way, want %d and none", got, left, c.want)
			}
		})
	}
}

// Each kind is filled until it refuses; requests of every other kind are still answered.
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
					path += "/{rest}"
					routes = append(routes, blockedOrNot(kind, path, begun, may))
				}
			}
			server, _ := serving(t, quick(), routes...)
			blockedPath := strings.Replace(path, "?", "/blocked?", 1)
			if blockedPath == path {
				blockedPath += "/blocked"
			}
			admitted := 0
			answers := make(chan result, 10000)
			for refused := false; !refused; {
				go func() { answers <- await.Value(t, "an answer", askLater(t, server, blockedPath)) }()
				select {
				case <-begun:
					admitted++
				case got := <-answers:
					if refused = true; got.status != http.StatusServiceUnavailable {
						t.Fatalf("after %d: got %+v", admitted, got)
					}
				}
			}
			for kind, path := range paths {
				if kind == full {
					continue
				}
				path = strings.Replace(path+"/free", "?name=x/free", "/free?name=x", 1)
				if got := ask(t, server, http.MethodGet, path, ""); got.status != http.StatusOK {
					t.Errorf("%d %s are under way, and %s got %d %s", admitted, full, path, got.status, got.body)
				}
			}
			close(may)
			for range admitted {
				await.Value(t, "what was admitted is answered", answers)
			}
		})
	}
}

func blockedOrNot(kind Kind, path string, begun chan<- struct{}, may <-chan struct{}) Route {
	r := route(http.MethodGet, path, func(w http.ResponseWriter, r *http.Request) error {
		if r.PathValue("rest") == "blocked" {
			begun <- struct{}{}
			<-may
		}
		return ok(w, r)
	})
	r.Kind = kind
	return r
}

// Nothing is refused alongside 127 others, whatever they do: they run at once or wait for each other.
func TestNothingIsRefusedUpTo128(t *testing.T) {
	for kind := range Unlimited {
		if kind == Streams {
			continue // they never end
		}
		t.Run(kind.String(), func(t *testing.T) {
			r := route(http.MethodGet, "/one", func(w http.ResponseWriter, r *http.Request) error {
				time.Sleep(time.Millisecond)
				return ok(w, r)
			})
			r.Kind = kind
			server, _ := serving(t, settings(), r)
			ended := make(chan error, always)
			for range always {
				conn := dial(t, server)
				go func() { ended <- sendSeveral(conn, 20) }()
			}
			for range always {
				if err := await.Value(t, "a client has its answers", ended); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func sendSeveral(conn net.Conn, n int) error {
	reader := bufio.NewReader(conn)
	for range n {
		if _, err := io.WriteString(conn, "GET /one HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			return err
		}
		if keeps, err := readAnswer(reader); err != nil || !keeps {
			return fmt.Errorf("not 200, or the end of the connection: %w", err)
		}
	}
	return nil
}

// A search that gets its slot too late to be answered gets the refusal of an excess request: the store isn't to
// blame. A write may have been made, and its response says so.
func TestTurnThatComesTooLate(t *testing.T) {
	for kind, slots := range map[Kind]int{Searches: searches(), Writes: 16} {
		t.Run(kind.String(), func(t *testing.T) {
			cfg := settings()
			cfg.Deadline = 400 * time.Millisecond
			begun, may := make(chan struct{}), make(chan struct{})
			late := route(http.MethodGet, "/late", func(_ http.ResponseWriter, r *http.Request) error {
				<-r.Context().Done()
				return StoreProblem(r.Context().Err(), "in doubt")
			})
			late.Kind = kind
			server, _ := serving(t, cfg, blocked(kind, "/", begun, may), late)
			for range max(1, slots-max(1, slots/4)) { // as many as one address gets
				askLater(t, server, "/")
				await.Value(t, "one is under way", begun)
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

// No client takes the turns of all others with responses that it doesn't read, on a machine with few cores either.
func TestOneClientLeavesTurns(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for kind, limit := range newLimiters(time.Second) {
		if _, waits := limit.(slots); !waits {
			continue
		}
		for limit.enter(from(gone, "192.0.2.1:1")) { // until it would have to wait
		}
		if !limit.enter(from(gone, "192.0.2.2:1")) {
			t.Errorf("%s: one client can have them all", kind)
		}
	}
}

// from returns a request from the given address.
func from(ctx context.Context, addr string) *http.Request {
	return (&http.Request{RemoteAddr: addr}).WithContext(ctx)
}
