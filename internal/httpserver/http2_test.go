package httpserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"superheroes/test/await"
)

// get2 sends a GET over HTTP/2, and fails the test unless the server responds with 200.
func get2(t *testing.T, client *http.Client, server *Server, path string) {
	t.Helper()
	if got := do(t, client, newRequest(t, server, http.MethodGet, path, http.NoBody)); got.status != http.StatusOK {
		t.Fatalf("%s: got %+v", path, got)
	}
}

// Responses over HTTP/2 are the same as over HTTP/1.1.
func TestHTTP2ResponsesAsHTTP1(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout = 100 * time.Millisecond
	server, _ := serving(t, cfg,
		route(http.MethodGet, "/ok", ok),
		route(http.MethodGet, "/stream", func(w http.ResponseWriter, r *http.Request) error {
			stream := NewStream(w, r)
			for range 3 {
				if err := stream.Write(make([]byte, 100<<10)); err != nil {
					return err
				}
			}
			return nil
		}),
		route(http.MethodPost, "/body", func(w http.ResponseWriter, r *http.Request) error {
			body, err := ReadRaw(r)
			if err != nil {
				return err
			}
			return WriteBytes(w, "text/plain", body)
		}),
		route(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("oops") }),
		route(http.MethodGet, "/deadline", waitForDeadline),
	)
	never := func() io.Reader {
		reader, writer := io.Pipe()
		t.Cleanup(func() { _ = writer.Close() })
		return reader
	}
	text := func(size int) func() io.Reader {
		return func() io.Reader { return strings.NewReader(strings.Repeat("x", size)) }
	}
	over2 := http2Client(t)
	for name, test := range map[string]struct {
		method, target string
		body           func() io.Reader
	}{
		"a short response":          {target: "/ok"},
		"HEAD":                      {method: http.MethodHead, target: "/ok"},
		"a stream":                  {target: "/stream"},
		"a body of unknown length":  {http.MethodPost, "/body", func() io.Reader { return io.MultiReader(text(3)()) }},
		"the largest body":          {http.MethodPost, "/body", text(MaxBody)},
		"a body that is too large":  {http.MethodPost, "/body", text(MaxBody + 1)},
		"a body that never arrives": {http.MethodPost, "/body", never},
		"a wrong method":            {method: http.MethodDelete, target: "/ok"},
		"invalid UTF-8":             {target: "/ok?a=%FF"},
		"a panic":                   {target: "/panic"},
		"a caller's deadline":       {target: "/deadline"},
		"a header of 11 KiB":        {target: "/ok?" + strings.Repeat("x", 11<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			replies := map[int]string{}
			for major, client := range map[int]*http.Client{1: client(), 2: over2} {
				body := io.Reader(http.NoBody)
				if test.body != nil {
					body = test.body()
				}
				header := []string{RequestIDHeader, "the-id"}
				if test.target == "/deadline" {
					header = append(header, TimeoutHeader, "30")
				}
				got := do(t, client, newRequest(t, server, test.method, test.target, body, header...))
				for _, own := range []string{"Connection", "Date", "Transfer-Encoding"} {
					got.header.Del(own)
				}
				replies[major] = fmt.Sprint(got.status, " ", got.header, " ", got.body)
			}
			if replies[1] != replies[2] {
				t.Errorf("over HTTP/1.1 %.300q, over HTTP/2 %.300q", replies[1], replies[2])
			}
		})
	}
}

// A client that doesn't read one stream doesn't block the others on its connection. Only the stalled stream is lost, at
// the write timeout.
func TestHTTP2StalledStream(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.WriteTimeout = time.Second
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, route(http.MethodGet, "/fight", ok), endless(ended))
	client := http2Client(t)
	stalled, err := client.Do(newRequest(t, server, http.MethodGet, "/", http.NoBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stalled.Body.Close() }()
	fights := 0
	for ; len(ended) == 0; fights++ {
		get2(t, client, server, "/fight")
	}
	if fights < 3 {
		t.Errorf("only %d fights succeeded while the stream stalled", fights)
	}
	if n, err := io.Copy(io.Discard, stalled.Body); err == nil {
		t.Errorf("the stalled stream ended normally after %d bytes", n)
	}
	if open, _ := server.listener.count(); open != 1 {
		t.Errorf("%d connections are open, want 1", open)
	}
}

// endless returns a route that streams until a write fails.
func endless(ended chan<- error) Route {
	return get(func(w http.ResponseWriter, r *http.Request) error {
		stream, part := NewStream(w, r), make([]byte, 32<<10)
		var err error
		for err == nil {
			err = stream.Write(part)
		}
		ended <- err
		return err
	})
}

// A client that reads nothing from its HTTP/2 connection loses all its streams at the write timeout; the connection
// then counts as idle.
func TestHTTP2StalledConnection(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.WriteTimeout, cfg.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, endless(ended))
	const window = "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\x00\x00\x00"                 // WINDOW_UPDATE: 2 GiB
	const ofStreams = "\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x7f\xff\xff\xff" // SETTINGS
	dial(t, server, smallWindow).send(t, opening+ofStreams+window+rawGet(1, "/"))
	await.Value(t, "the stream ends", ended)
	await.True(t, "the connection is closed", func() bool { open, _ := server.listener.count(); return open == 0 })
}

// opening is the HTTP/2 connection preface without the client's SETTINGS frame.
const opening = preface + "\r\n\r\nSM\r\n\r\n"

// rawGet returns a GET request as an HTTP/2 client sends it, in a single HEADERS frame. The host is "test".
func rawGet(stream byte, path string) string {
	header := "\x82\x86" + "\x01\x04test" + "\x04" + string(rune(len(path))) + path
	return "\x00\x00" + string(rune(len(header))) + "\x01\x05" + "\x00\x00\x00" + string([]byte{stream}) + header
}

// The server advertises its limit on concurrent requests per connection; net/http enforces the limit.
func TestHTTP2StreamsAreBounded(t *testing.T) {
	server, _ := serving(t, settings())
	c := dial(t, server)
	c.send(t, opening+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	header := make([]byte, 9)
	if _, err := io.ReadFull(c, header); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, int(header[1])<<8|int(header[2]))
	if _, err := io.ReadFull(c, payload); err != nil {
		t.Fatal(err)
	}
	const maxConcurrentStreams = "\x00\x03\x00\x00\x00\x64"
	if header[3] != 4 || !strings.Contains(string(payload), maxConcurrentStreams) { // SETTINGS
		t.Errorf("got frame header %q with payload %q, want a SETTINGS frame with the limit", header, payload)
	}
}

// Events may be sent at any time: the write timeout limits how long a client may leave an event unread, not the time
// between two events.
func TestHTTP2Events(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	next, left := make(chan string, 1), make(chan struct{})
	server, _ := serving(t, cfg, route(http.MethodGet, "/ok", ok), get(func(w http.ResponseWriter, r *http.Request) error {
		defer close(left)
		events := NewEvents(w, r)
		for {
			select {
			case event := <-next:
				if err := events.Send([]byte("data: " + event + "\n\n")); err != nil {
					return err
				}
			case <-Lasting(r.Context()).Done():
				return nil
			}
		}
	}))
	client := http2Client(t)
	ctx, leave := context.WithCancel(t.Context())
	next <- "0"
	response, err := client.Do(newRequest(t, server, http.MethodGet, "/", http.NoBody).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	reader := bufio.NewReader(response.Body)
	for i := range 3 {
		if i > 0 {
			time.Sleep(2 * cfg.WriteTimeout)
			next <- fmt.Sprint(i)
		}
		if line, err := reader.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Errorf("got %q, %v", line, err)
		}
		_, _ = reader.ReadString('\n')
		get2(t, client, server, "/ok") // concurrently
	}
	leave()
	await.Value(t, "the handler notices that the client has left", left)
	get2(t, client, server, "/ok")
}

// At the connection limit, an HTTP/2 connection without open streams is evicted, however busy it was earlier. A
// connection with an open stream is never evicted.
func TestHTTP2ConnectionsMakeRoom(t *testing.T) {
	t.Parallel() // waits until a connection is idle
	cfg := settings()
	cfg.MaxConnections = 2
	begun, may := make(chan struct{}, 1), make(chan struct{})
	server, _ := serving(t, cfg, get(ok), waiting(begun, may))
	busy, idle := http2Client(t), http2Client(t)
	get2(t, idle, server, "/")
	inFlight := askLater(t, busy, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	await.True(t, "one connection is idle", func() bool { _, idle := server.listener.count(); return idle == 1 })
	dial(t, server).succeeds(t, "new connection that replaces the idle one")
	close(may)
	if got := await.Value(t, "the request in flight ends", inFlight); got.status != http.StatusOK {
		t.Errorf("in flight: got %+v", got)
	}
	get2(t, busy, server, "/")
}

// If a client accepts no data, sending an event fails at the write timeout, however short the event is.
func TestHTTP2UnreadEvent(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, get(func(w http.ResponseWriter, r *http.Request) error {
		ended <- NewEvents(w, r).Send([]byte("data: 1\n\n"))
		return nil
	}))
	const noWindow = "\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x00\x00\x00\x00"
	dial(t, server).send(t, opening+noWindow+rawGet(1, "/"))
	if err := await.Value(t, "sending the event fails", ended); err == nil {
		t.Error("an event was sent to a client whose flow-control window is zero")
	}
}

// A refused client gets the complete response before it has sent its body.
func TestHTTP2RefusalBeforeTheBody(t *testing.T) {
	begun, may := make(chan struct{}, 1), make(chan struct{})
	one := waiting(begun, may)
	one.Kind, one.Limit = Streams, 1
	server, _ := serving(t, settings(), one)
	client := http2Client(t)
	first := askLater(t, client, server, "/wait")
	await.Value(t, "a request occupies the only slot", begun)
	never, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	do(t, client, newRequest(t, server, http.MethodGet, "/wait", never)).problem(t, http.StatusServiceUnavailable)
	close(may)
	if got := await.Value(t, "the first request on the same connection ends", first); got.err != nil {
		t.Error(got.err)
	}
}

// The total number of concurrent HTTP/2 requests is limited to the maximum number of connections, and a single address
// may use at most three quarters of that number. Requests over HTTP/1 are not affected.
func TestHTTP2RequestsAreBounded(t *testing.T) {
	cfg := settings()
	cfg.MaxConnections = 8
	begun, may := make(chan struct{}, 8), make(chan struct{})
	server, written := serving(t, cfg, get(ok), waiting(begun, may))
	var inFlight []<-chan result
	for range 2 {
		client := http2Client(t)
		for range 3 {
			inFlight = append(inFlight, askLater(t, client, server, "/wait"))
			await.Value(t, "a request is in flight", begun)
		}
	}
	over2 := http2Client(t)
	one := func() reply { return do(t, over2, newRequest(t, server, http.MethodGet, "/", http.NoBody)) }
	problem := one().problem(t, http.StatusServiceUnavailable)
	if want := "too many requests at once; retry later"; problem.Detail != want {
		t.Errorf("detail %q, want %q", problem.Detail, want)
	}
	if got := ask(t, server, http.MethodGet, "/", ""); got.status != http.StatusOK {
		t.Errorf("over HTTP/1: %+v", got)
	}
	close(may)
	for _, request := range inFlight {
		if got := await.Value(t, "a request ends", request); got.status != http.StatusOK || got.err != nil {
			t.Errorf("in flight: got %+v", got)
		}
	}
	await.True(t, "there is room for another request", func() bool { return one().status == http.StatusOK })
	if lines := written.lines(); !strings.Contains(lines[0], "too many requests at once") {
		t.Errorf("logged %q", lines)
	}
}
