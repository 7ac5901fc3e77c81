package arena

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/httpserver"
	"superheroes/test/fakepeer"
)

// seen records the requests that the services behind the gateway receive.
type seen struct {
	mu       sync.Mutex
	requests []string
	header   http.Header
	hosts    []string
}

// handler records the request and responds with the service's name.
func (s *seen) handler(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", name, r.Method, r.URL.RequestURI(), body)))
		s.header, s.hosts = r.Header.Clone(), append(s.hosts, r.Host)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("X-Request-Id", "mine")
		w.Header().Set("Keep-Alive", "timeout=5")
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "/api/"+name+"/7")
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = io.WriteString(w, `"`+name+`"`)
	}
}

func (s *seen) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

// ways returns two sets of services behind the gateway: one reached over HTTP, and one in this process.
func ways(t *testing.T, behaviour func(name string) http.HandlerFunc) map[string]map[string]Part {
	t.Helper()
	_, cfg := limits()
	all := map[string]map[string]Part{"over HTTP": {}, "in process": {}}
	for _, name := range Parts() {
		all["over HTTP"][name] = remotePart(t, name, fakepeer.New(t, behaviour(name)).URL, cfg)
		all["in process"][name] = Local{Handler: behaviour(name)}
	}
	return all
}

func TestPasses(t *testing.T) {
	asked := &seen{}
	for way, parts := range ways(t, asked.handler) {
		t.Run(way, func(t *testing.T) {
			cfg, _ := limits()
			addr := serve(t, cfg, parts)
			for _, c := range []struct{ method, target, body, want string }{
				{"GET", "/api/heroes", "", "heroes GET /api/heroes"},
				{"GET", "/api/heroes?limit=3&name=%C3%A9%26", "", "heroes GET /api/heroes?limit=3&name=%C3%A9%26"},
				{"HEAD", "/api/villains/7", "", "villains HEAD /api/villains/7"},
				{"GET", "/api/locations/7/picture.svg", "", "locations GET /api/locations/7/picture.svg"},
				{"GET", "/api/locations/", "", "locations GET /api/locations/"},
				{"GET", "/api/heroes/7%2Fpicture.svg", "", "heroes GET /api/heroes/7%2Fpicture.svg"},
				{"GET", "/api/fights/execute_fight", "", "fights GET /api/fights/execute_fight"},
				{"POST", "/api/fights", `{"hero":{}}`, `fights POST /api/fights {"hero":{}}`},
				{"POST", "/api/heroes", `{}`, `heroes POST /api/heroes {}`},
				{"PUT", "/api/heroes/7", `{}`, `heroes PUT /api/heroes/7 {}`},
				{"PATCH", "/api/villains/7", `{}`, `villains PATCH /api/villains/7 {}`},
				{"DELETE", "/api/locations/7", "", `locations DELETE /api/locations/7`},
				{"GET", "/api/statistics", "", "statistics GET /api/statistics"},
				{"GET", "/api/statistics/stream", "", "statistics GET /api/statistics/stream"},
				{"GET", "/status/heroes", "", "heroes GET /healthz"},
				{"GET", "/status/statistics?secret", "", "statistics GET /healthz"},
			} {
				got := ask(t, addr, fmt.Sprintf("%s %s HTTP/1.1\nHost: %s\nConnection: close\nContent-Length: %d\n\n%s", c.method, c.target, addr, len(c.body), c.body))
				if diff := cmp.Diff([]string{c.want}, asked.taken()); diff != "" {
					t.Errorf("%s %s: forwarded (-want +got):\n%s", c.method, c.target, diff)
				}
				name, _, _ := strings.Cut(c.want, " ")
				if c.method != "HEAD" && got.body != `"`+name+`"` || got.header.Get("Etag") != `"1"` {
					t.Errorf("%s %s: got %+v", c.method, c.target, got)
				}
				if c.method == "POST" && (got.status != http.StatusCreated || got.header.Get("Location") == "") {
					t.Errorf("%s %s: got %+v", c.method, c.target, got)
				}
			}
		})
	}
}

// TestHeaders checks which request headers reach a service, and which response headers reach the client.
func TestHeaders(t *testing.T) {
	sent := []string{
		"Accept: application/json", "Accept-Encoding: gzip", "Content-Type: application/json", `If-Match: "1"`, `If-None-Match: "2"`,
		"Last-Event-Id: 3", "User-Agent: a browser", "X-Request-Id: mine", "Authorization: Bearer secret", "Cookie: session=secret",
		"Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "Proxy-Authorization: Basic secret", "Te: trailers", "Upgrade: websocket",
		"X-Hop: 1", "Referer: http://elsewhere/", "Connection: X-Hop, close",
	}
	asked := &seen{}
	for way, parts := range ways(t, asked.handler) {
		t.Run(way, func(t *testing.T) {
			cfg, _ := limits()
			addr := serve(t, cfg, parts)
			for _, name := range Parts() {
				got := get(t, addr, "/api/"+name+"/1", sent...)
				want := http.Header{
					"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}, "If-Match": {`"1"`},
					"If-None-Match": {`"2"`}, "Last-Event-Id": {"3"}, "User-Agent": {"a browser"}, "X-Request-Id": {"mine"},
				}
				if isCatalog(name) {
					want["Authorization"] = []string{"Bearer secret"}
				}
				left := asked.header.Get("X-Request-Timeout-Ms")
				asked.header.Del("X-Request-Timeout-Ms")
				asked.header.Del("Connection") // set by the gateway's HTTP client
				if diff := cmp.Diff(want, asked.header); diff != "" || left == "" {
					t.Errorf("%s got headers, with a timeout of %q ms (-want +got):\n%s", name, left, diff)
				}
				if ids := got.header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "mine" {
					t.Errorf("got request ids %q, want the client's", ids)
				}
				if strings.Join(got.header.Values("X-Content-Type-Options"), ", ") != "nosniff" {
					t.Errorf("got %v", got.header)
				}
				if way == "over HTTP" && (got.header.Get("Set-Cookie") != "" || got.header.Get("Keep-Alive") != "") {
					t.Errorf("the client got headers that are only for the gateway: %v", got.header)
				}
			}
		})
	}
}

// The gateway rejects requests for unknown paths, with unclean paths or with unsupported methods, and forwards none of
// them.
func TestRejectedRequests(t *testing.T) {
	asked := &seen{}
	for way, parts := range ways(t, asked.handler) {
		t.Run(way, func(t *testing.T) {
			cfg, _ := limits()
			addr := serve(t, cfg, parts)
			for _, c := range []struct {
				line   string
				status int
			}{
				{"GET /api", 404}, {"GET /api/", 404}, {"GET /api/nobody", 404}, {"GET /api/heroesandmore", 404}, {"GET /heroes/1", 404},
				{"GET /status/nobody", 404}, {"GET /status/heroes/more", 404}, {"GET /docs/nobody", 404}, {"GET /openapi.json", 404}, {"GET /api/arena", 404},
				{"GET /api/heroes/%2e%2e/%2e%2e/healthz", 404}, {"GET /api/heroes/%2E%2E%2f%2e%2e/healthz", 404}, {"GET /api/heroes/.%2e/fights", 404},
				{"GET /api/heroes/..%5chealthz", 404}, {"GET /api%2fheroes", 404}, {"GET /api/heroes%2f1", 404}, {"GET /api/heroes/%2f%2felsewhere/", 404},
				{"GET /api/heroes/../../healthz", 307}, {"GET //elsewhere/api/heroes", 307},
				{"GET /api/heroes/%00", 422}, {"GET /api/heroes?name=%ff", 422},
				{"OPTIONS /api/heroes", 405}, {"TRACE /api/fights", 405}, {"PROPFIND /api/heroes", 405}, {"DELETE /status/heroes", 405},
				{"POST /", 405}, {"POST /heroes", 405},
			} {
				got := ask(t, addr, c.line+" HTTP/1.1\nHost: "+addr+"\nConnection: close\n\n")
				if got.status != c.status || c.status >= 400 && got.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: got %+v", c.line, got)
				}
			}
			for _, line := range []string{"GET http://elsewhere:1/api/nobody", "CONNECT elsewhere:443", "GET http://elsewhere:1/"} {
				if got := ask(t, addr, line+" HTTP/1.1\nHost: elsewhere\nConnection: close\n\n"); got.status >= 500 {
					t.Errorf("%s: got %+v", line, got)
				}
			}
			if requests := asked.taken(); len(requests) > 0 {
				t.Errorf("the gateway forwarded %q", requests)
			}
			// A request whose request line names another host is served by this arena, not forwarded to the other host.
			if got := ask(t, addr, "GET http://elsewhere:1/api/heroes/1 HTTP/1.1\nHost: elsewhere\nConnection: close\n\n"); got.body != `"heroes"` {
				t.Errorf("got %+v", got)
			}
			asked.taken()
		})
	}
}

func TestMissingPart(t *testing.T) {
	cfg, _ := limits()
	addr := serve(t, cfg, map[string]Part{})
	for _, name := range Parts() {
		for _, target := range []string{"/api/" + name, "/api/" + name + "/1", "/status/" + name} {
			if got := get(t, addr, target); got.status != http.StatusNotFound || !strings.Contains(got.body, name+" is not running here") {
				t.Errorf("%s: got %+v", target, got)
			}
		}
	}
}

// Requests from pages on other sites are refused.
func TestPagesOfOtherSites(t *testing.T) {
	asked := &seen{}
	cfg, calls := limits()
	cfg.TrustedOrigins = []httpserver.Origin{"https://trusted.example"}
	answer := asked.handler("fights")
	addr := serve(t, cfg, map[string]Part{"fights": remotePart(t, "fights", fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // other implementations of the service may send this header
		answer(w, r)
	}).URL, calls)})
	for _, c := range []struct {
		header string
		status int
	}{
		{"X-Nothing: 1", 200}, {"Sec-Fetch-Site: same-origin", 200}, {"Sec-Fetch-Site: none", 200}, {"Origin: http://" + addr, 200},
		{"Sec-Fetch-Site: same-origin\nOrigin: http://" + addr, 200},
		{"Sec-Fetch-Site: cross-site", 403}, {"Sec-Fetch-Site: same-site", 403}, {"Origin: http://elsewhere", 403}, {"Origin: null", 403},
		{"Sec-Fetch-Site: cross-site\nOrigin: http://" + addr, 403}, {"Sec-Fetch-Site: cross-site\nSec-Fetch-User: ?1\nSec-Fetch-Dest: document", 200},
		{"Sec-Fetch-Site: cross-site\nOrigin: https://trusted.example", 200}, {"Origin: https://trusted.example", 200},
	} {
		for _, target := range []string{"/api/fights/execute_fight", "/api/fights", "/status/fights"} { // reads too
			got := get(t, addr, target, c.header)
			if got.status != c.status || len(asked.taken()) != map[int]int{200: 1}[c.status] {
				t.Errorf("%s: %s: got %+v", c.header, target, got)
			}
			if may := got.header.Values("Access-Control-Allow-Origin"); (len(may) == 1) != strings.Contains(c.header, "trusted") {
				t.Errorf("%s: %s: pages allowed to read the response: %q", c.header, target, may)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	unused := fakepeer.New(t, nil)
	unused.Stop()
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	answering := func(status int, kind, body string) string {
		return fakepeer.New(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "http://elsewhere/")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}).URL
	}
	broken := func(text string) string { return fakepeer.New(t, fakepeer.BreaksOff(text)).URL }
	for _, c := range []struct {
		name, base string
		status     int
		detail     string
	}{
		{"nobody listens", unused.URL, 502, "can't reach NAME: nothing is listening at its address"},
		{"closes at once", broken(""), 502, "NAME failed to answer"},
		{"closes in the middle of the headers", broken("HTTP/1.1 200 OK\r\nContent-"), 502, "NAME failed to answer"},
		{"isn't HTTP", broken("220 mail\r\n"), 502, "NAME failed to answer"},
		{"switches protocols", broken("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), 502, "NAME failed to answer"},
		{"redirects", answering(302, "text/html", ""), 502, "NAME failed to answer"},
		{"sends an error that is not a problem response", answering(500, "text/html", "<h1>stack trace"), 502, "NAME failed to answer"},
		{"sends a problem", answering(503, "application/problem+json", `{"detail":"the store does not answer"}`), 503, "the store does not answer"},
		{"sends a problem that names another service", answering(504, "application/problem+json", `{"detail":"heroes did not answer in time"}`), 504, "heroes did not answer in time"},
		{"is silent", fakepeer.New(t, silent).URL, 504, "NAME did not answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, calls := limits()
			if c.name == "is silent" {
				cfg.Deadline, calls.Read = 300*time.Millisecond, 300*time.Millisecond
			}
			parts := map[string]Part{}
			for _, name := range Parts() {
				parts[name] = remotePart(t, name, c.base, calls)
			}
			addr := serve(t, cfg, parts)
			for target, name := range map[string]string{
				"/api/heroes/1": "heroes", "/api/fights/execute_fight": "fights", "/api/locations": "locations",
				"/api/statistics/stream": "statistics", "/status/villains": "villains",
			} {
				got := get(t, addr, target)
				if got.status != c.status || !strings.Contains(got.body, strings.ReplaceAll(c.detail, "NAME", name)) || strings.Contains(got.body, "trace") {
					t.Errorf("%s: got %+v", target, got)
				}
				if got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Location") != "" && c.status == 502 {
					t.Errorf("%s: got %v", target, got.header)
				}
			}
		})
	}
}

// If a service closes the connection in the middle of a response, the client gets a 502, or, for a list, can tell that
// the list is truncated.
func TestBreaksOff(t *testing.T) {
	base := fakepeer.New(t, fakepeer.BreaksOff("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[{\"id\":1}")).URL
	cfg, calls := limits()
	addr := serve(t, cfg, map[string]Part{"heroes": remotePart(t, "heroes", base, calls)})
	if got := get(t, addr, "/api/heroes/1"); got.status != http.StatusBadGateway || !strings.Contains(got.body, "heroes failed to answer") {
		t.Errorf("got %+v", got)
	}
	_, response := open(t, addr, "/api/heroes")
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("a truncated list looks complete: %s", body)
	}
}

// In this test, the service closes each connection instead of responding to its second request. net/http would send the
// second request again on a new connection, but a fight must be executed only once.
func TestOnce(t *testing.T) {
	for _, c := range []struct{ name, line string }{
		{"fights", "GET /api/fights/execute_fight"}, {"fights", "POST /api/fights"}, {"heroes", "POST /api/heroes"}, {"heroes", "DELETE /api/heroes/1"},
	} {
		t.Run(c.line, func(t *testing.T) {
			var connections sync.Map
			peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
				if _, again := connections.LoadOrStore(r.RemoteAddr, true); again {
					fakepeer.BreaksOff("")(w, r)
					return
				}
				fakepeer.Answers(http.StatusOK, "{}")(w, r)
			})
			cfg, calls := limits()
			addr := serve(t, cfg, map[string]Part{c.name: remotePart(t, c.name, peer.URL, calls)})
			for range 3 {
				if got := ask(t, addr, c.line+" HTTP/1.1\nHost: x\nContent-Length: 0\nConnection: close\n\n"); got.status != http.StatusOK {
					t.Errorf("got %+v", got)
				}
			}
			if got := peer.Requests(); got != 3 {
				t.Errorf("the service got %d requests, want 3", got)
			}
		})
	}
}

// Impatient clients don't use up connections, because responses are read to the end even after the client has left.
func TestImpatientClientsCostNoConnections(t *testing.T) {
	answer := make(chan struct{})
	heroes := fakepeer.New(t, func(w http.ResponseWriter, _ *http.Request) {
		<-answer
		_, _ = io.WriteString(w, "{}")
	})
	cfg, calls := limits()
	part := remotePart(t, "heroes", heroes.URL, calls)
	addr := serve(t, cfg, map[string]Part{"heroes": part})
	for range 5 {
		got := get(t, addr, "/api/heroes/1", "X-Request-Timeout-Ms: 1")
		if got.status != http.StatusGatewayTimeout || !strings.Contains(got.body, "the request's deadline passed before heroes could answer") {
			t.Errorf("got %+v", got)
		}
		for part.Pending() > 0 { // the request continues after its client has left
			select {
			case answer <- struct{}{}:
			case <-time.After(time.Millisecond):
			}
		}
	}
	close(answer)
	if got := get(t, addr, "/api/heroes/1"); got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
	if opened, open := heroes.Connections(); opened != 1 || open != 1 || heroes.Cancelled() > 0 {
		t.Errorf("%d connections were opened, %d are open, %d requests were canceled", opened, open, heroes.Cancelled())
	}
}

func TestBodyLimit(t *testing.T) {
	asked := &seen{}
	large := strings.Repeat("x", httpserver.MaxBody+1)
	for way, parts := range ways(t, asked.handler) {
		t.Run(way, func(t *testing.T) {
			cfg, _ := limits()
			addr := serve(t, cfg, parts)
			for _, framing := range []string{
				fmt.Sprintf("Content-Length: %d\n\n%s", len(large), large),
				fmt.Sprintf("Transfer-Encoding: chunked\n\n%x\n%s\n0\n\n", len(large), large),
			} {
				if got := ask(t, addr, "POST /api/fights HTTP/1.1\nHost: x\nConnection: close\n"+framing); got.status != http.StatusRequestEntityTooLarge {
					t.Errorf("got %+v", got)
				}
			}
			if requests := asked.taken(); len(requests) > 0 {
				t.Errorf("%d requests were forwarded, want none", len(requests))
			}
			largest := large[1:]
			if got := ask(t, addr, fmt.Sprintf("POST /api/fights HTTP/1.1\nHost: x\nConnection: close\nTransfer-Encoding: chunked\n\n%x\n%s\n0\n\n", len(largest), largest)); got.status != http.StatusCreated {
				t.Errorf("got %+v", got)
			}
			asked.taken()
		})
	}
}

// A stream lasts longer than any timeout, and each event reaches the client before the next is sent.
func TestStreams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, target, kind string }{
		{"statistics", "/api/statistics/stream", "text/event-stream"}, {"heroes", "/api/heroes", "application/json"},
	} {
		for _, way := range []string{"over HTTP", "in process"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel() // mostly waits
				testStream(t, way, c.target, c.kind)
			})
		}
	}
}

func testStream(t *testing.T, way, target, kind string) {
	next, ended := make(chan string), make(chan error, 1)
	parts := ways(t, func(string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			_ = http.NewResponseController(w).Flush()
			for {
				select {
				case event := <-next:
					_, _ = io.WriteString(w, event)
					_ = http.NewResponseController(w).Flush()
				case <-r.Context().Done():
					ended <- r.Context().Err()
					return
				}
			}
		}
	})[way]
	// The pause is far below the limit, so that the test passes on a busy machine.
	const limit, pause = 2 * time.Second, 700 * time.Millisecond
	cfg, _ := limits()
	cfg.Deadline, cfg.ReadTimeout, cfg.WriteTimeout = limit, limit, limit
	if way == "in process" { // within one process, the service rather than the arena limits the time for each write
		cfg.WriteTimeout = time.Minute
	}
	conn, response := open(t, serve(t, cfg, parts), target)
	for i := range 4 {
		event := fmt.Sprintf("data: %d\n\n", i)
		next <- event
		got := make([]byte, len(event))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != event {
			t.Fatalf("got event %q, error %v", got, err)
		}
		time.Sleep(pause) // a while without events
	}
	_ = conn.Close()
	select {
	case <-ended: // the service notices that the client has disconnected
	case <-time.After(hang):
		t.Error("the service doesn't notice that the client has disconnected")
	}
}

// A list is aborted when the service stops sending.
func TestListThatStalls(t *testing.T) {
	t.Parallel()
	heroes := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "[1")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	cfg, calls := limits()
	calls.Read = 2 * time.Second // enough for the start of the list
	addr := serve(t, cfg, map[string]Part{"heroes": remotePart(t, "heroes", heroes.URL, calls)})
	_, response := open(t, addr, "/api/heroes")
	if body, err := io.ReadAll(response.Body); err == nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got list %s, error %v", body, err)
	}
}

// listOf returns a handler that sends the given number of bytes as fast as possible, then runs the given function, and
// finally closes the ended channel.
func listOf(total int, then func(r *http.Request)) (list http.HandlerFunc, ended chan struct{}) {
	ended = make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		w.Header().Set("Content-Type", "application/json")
		part := bytes.Repeat([]byte(" "), 64<<10)
		for sent := 0; sent < total; sent += len(part) {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
		then(r)
	}, ended
}

// A slow browser gets the whole list; meanwhile, the service must wait. If the service stalls, the list is aborted,
// even if the browser was slow earlier.
func TestSlowBrowser(t *testing.T) {
	t.Parallel() // mostly waits
	const total = 64 << 20
	for name, c := range map[string]struct {
		then func(r *http.Request)
		err  error
	}{
		"fast service":                   {func(*http.Request) {}, nil},
		"service that stalls at the end": {func(r *http.Request) { <-r.Context().Done() }, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, calls := limits()
			calls.Read = 500 * time.Millisecond
			list, ended := listOf(total, c.then)
			part := remotePart(t, "heroes", fakepeer.New(t, list).URL, calls)
			_, response := open(t, serve(t, cfg, map[string]Part{"heroes": part}), "/api/heroes")
			got := int64(0)
			for range 2 {
				n, err := io.CopyN(io.Discard, response.Body, total/8)
				if got += n; err != nil {
					t.Fatalf("after %d bytes: %v", got, err)
				}
				time.Sleep(2 * calls.Read) // longer than a service may stall, but it is the client that stalls
			}
			n, err := io.Copy(io.Discard, response.Body)
			if got += n; got != total || !errors.Is(err, c.err) {
				t.Errorf("got %d bytes of %d and error %v, want %v", got, total, err, c.err)
			}
			<-ended
		})
	}
}

// A browser that stops reading is dropped at the write timeout, and the service notices the disconnect.
func TestStalledBrowser(t *testing.T) {
	t.Parallel()
	cfg, calls := limits()
	cfg.WriteTimeout = 500 * time.Millisecond
	list, ended := listOf(1<<30, func(*http.Request) {})
	part := remotePart(t, "heroes", fakepeer.New(t, list).URL, calls)
	open(t, serve(t, cfg, map[string]Part{"heroes": part}), "/api/heroes")
	select {
	case <-ended:
	case <-time.After(hang):
		t.Error("the service doesn't notice that the browser is gone")
	}
}

// A client that opens too many streams without reading them can still get lists, and one that requests too many lists
// can still open streams. Other clients can still get both.
func TestTooManyStreamsFromOneClient(t *testing.T) {
	stalled := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" { // a request from a client that doesn't read
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})
	cfg, _ := limits()
	addr := serve(t, cfg, map[string]Part{"heroes": Local{Handler: stalled}, "statistics": Local{Handler: stalled}})
	const stream, list = "/api/statistics/stream", "/api/heroes"
	for _, c := range []struct {
		kind, path, other string
		share             int
	}{
		{"streams", stream, list, 750}, // three quarters of the 1,000 streams that a service allows
		{"lists", list, stream, 36},    // three quarters of the 48 lists that a service allows the arena's address
	} {
		t.Run(c.kind, func(t *testing.T) {
			for range c.share {
				open(t, addr, c.path)
			}
			if got := get(t, addr, c.path+"?read", httpserver.TimeoutHeader+": 100"); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
				t.Errorf("one request beyond the limit got %d %v, want a 503", got.status, got.header)
			}
			if got := get(t, addr, c.other+"?read"); got.status != http.StatusOK {
				t.Errorf("%s got %d %s, want 200", c.other, got.status, got.body)
			}
			if status := getFrom(t, "127.0.0.2", "http://"+addr+c.path+"?read"); status != http.StatusOK {
				t.Errorf("another client got %d, want 200", status)
			}
		})
	}
}

// getFrom sends a GET from the given address and returns the status of the response.
func getFrom(t *testing.T, client, url string) int {
	t.Helper()
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}
	transport := &http.Transport{DialContext: from.DialContext, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: hang}).Get(url)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skip("this system has only one loopback address")
	}
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestCheck(t *testing.T) {
	_, cfg := limits()
	for status, fails := range map[int]bool{200: false, 503: true} {
		answers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				status = http.StatusTeapot
			}
			w.WriteHeader(status)
		})
		for _, part := range []Part{Local{Handler: answers}, remotePart(t, "heroes", fakepeer.New(t, answers).URL, cfg)} {
			if err := part.Check(t.Context()); (err != nil) != fails {
				t.Errorf("%T with status %d: got error %v", part, status, err)
			}
		}
	}
}

// A server can stop while a client streams the statistics.
func TestStreamsEndWithTheServer(t *testing.T) {
	endless := func(string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	for way, parts := range ways(t, endless) {
		t.Run(way, func(t *testing.T) {
			cfg, _ := limits()
			cfg.ShutdownTimeout = 2 * hang
			server := start(t, cfg, parts)
			open(t, server.Addr(), "/api/statistics/stream")
			ctx, cancel := context.WithTimeout(t.Context(), hang)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				t.Errorf("the server waited for the stream: %v", err)
			}
		})
	}
}

// A response that exceeds the buffer arrives completely, and its connection is reused.
func TestLongResponseReusesConnection(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	heroes := fakepeer.New(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) })
	cfg, calls := limits()
	addr := serve(t, cfg, map[string]Part{"heroes": remotePart(t, "heroes", heroes.URL, calls)})
	for range 5 {
		if got := get(t, addr, "/api/heroes/1"); got.status != http.StatusOK || got.body != long {
			t.Errorf("got status %d with %d bytes", got.status, len(got.body))
		}
	}
	if opened, _ := heroes.Connections(); opened != 1 {
		t.Errorf("%d connections were opened for five reads, want 1", opened)
	}
}
