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

// http2Client speaks HTTP/2 with prior knowledge.
func http2Client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: hang}
}

// get2 sends a GET over HTTP/2, which must succeed.
func get2(t *testing.T, client *http.Client, server *Server, path string) {
	t.Helper()
	response := begin2(t, client, server, path)
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Fatalf("%s: got %s in %s with %q, %v", path, response.Status, response.Proto, text, err)
	}
}

// begin2 sends a GET over HTTP/2 and returns the response once it has begun.
func begin2(t *testing.T, client *http.Client, server *Server, path string) *http.Response {
	t.Helper()
	response, err := client.Get("http://" + server.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// later2 sends a GET over HTTP/2 in the background.
func later2(client *http.Client, server *Server, path string) <-chan result {
	ended := make(chan result, 1)
	go func() {
		response, err := client.Get("http://" + server.Addr() + path)
		if err != nil {
			ended <- result{err: err}
			return
		}
		ended <- result{status: response.StatusCode, err: response.Body.Close()}
	}()
	return ended
}

// Clients see the same responses over both protocols.
func TestHTTP2AnswersAsHTTP1(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout = 100 * time.Millisecond
	server, _ := serving(t, cfg,
		route(http.MethodGet, "/ok", func(w http.ResponseWriter, _ *http.Request) error {
			NoStore(w)
			return WriteJSON(w, []byte(`{"id":1}`))
		}),
		route(http.MethodGet, "/large", func(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, make([]byte, 100<<10)) }),
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
		route(http.MethodGet, "/deadline", func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}),
	)
	never := func() io.Reader {
		reader, writer := io.Pipe()
		t.Cleanup(func() { _ = writer.Close() })
		return reader
	}
	over2 := http2Client(t)
	for name, test := range map[string]struct {
		method, target, header string
		body                   func() io.Reader
	}{
		"a short answer":             {target: "/ok"},
		"HEAD":                       {method: http.MethodHead, target: "/ok"},
		"a large answer":             {target: "/large"},
		"a stream":                   {target: "/stream"},
		"a body":                     {method: http.MethodPost, target: "/body", body: func() io.Reader { return strings.NewReader("abc") }},
		"a body without a length":    {method: http.MethodPost, target: "/body", body: func() io.Reader { return io.MultiReader(strings.NewReader("abc")) }},
		"the largest body":           {method: http.MethodPost, target: "/body", body: func() io.Reader { return strings.NewReader(strings.Repeat("x", MaxBody)) }},
		"a body that is too large":   {method: http.MethodPost, target: "/body", body: func() io.Reader { return strings.NewReader(strings.Repeat("x", MaxBody+1)) }},
		"a body that doesn't arrive": {method: http.MethodPost, target: "/body", body: never},
		"an unknown path":            {target: "/nothing"},
		"a wrong method":             {method: http.MethodDelete, target: "/ok"},
		"bad text":                   {target: "/ok?a=%FF"},
		"a panic":                    {target: "/panic"},
		"a caller's deadline":        {target: "/deadline", header: "30"},
		"a header of 11 KiB":         {target: "/ok?" + strings.Repeat("x", 11<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[int]string{}
			for major, client := range map[int]*http.Client{1: client(), 2: over2} {
				var body io.Reader = http.NoBody
				if test.body != nil {
					body = test.body()
				}
				request, err := http.NewRequestWithContext(t.Context(), test.method, "http://"+server.Addr()+test.target, body)
				if err != nil {
					t.Fatal(err)
				}
				if test.header != "" {
					request.Header.Set(TimeoutHeader, test.header)
				}
				request.Header.Set(RequestIDHeader, "the-id")
				got := do(t, client, request)
				for _, own := range []string{"Connection", "Date", "Transfer-Encoding"} {
					got.header.Del(own)
				}
				answers[major] = fmt.Sprint(got.status, " ", got.header, " ", got.body)
			}
			if answers[1] != answers[2] {
				t.Errorf("over HTTP/1.1 %.300q, over HTTP/2 %.300q", answers[1], answers[2])
			}
		})
	}
}

// A client that doesn't read one stream doesn't block others on the same connection, and loses that stream at the
// write timeout.
func TestHTTP2StalledStream(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = time.Second
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, route(http.MethodGet, "/fight", ok), route(http.MethodGet, "/list", func(w http.ResponseWriter, r *http.Request) error {
		stream, part := NewStream(w, r), make([]byte, 32<<10)
		for {
			if err := stream.Write(part); err != nil {
				ended <- err
				return err
			}
		}
	}))
	client := http2Client(t)
	stalled := begin2(t, client, server, "/list")
	fights := 0
	for dropped := false; !dropped; fights++ {
		select {
		case <-ended:
			dropped = true
		default:
		}
		get2(t, client, server, "/fight")
	}
	if fights < 3 {
		t.Errorf("%d fights while the stream stalled", fights)
	}
	if n, err := io.Copy(io.Discard, stalled.Body); err == nil {
		t.Errorf("the stream came to an end, after %d bytes", n)
	}
	if open, _ := server.listener.count(); open != 1 {
		t.Errorf("%d connections", open)
	}
}

// A client that reads nothing from its connection loses all streams at the write timeout, too, and the connection is
// then idle.
func TestHTTP2StalledConnection(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout, cfg.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		stream, part := NewStream(w, r), make([]byte, 32<<10)
		var err error
		for err == nil {
			err = stream.Write(part)
		}
		ended <- err
		return err
	}))
	const window = "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\x00\x00\x00"                 // of the connection: 2 GiB
	const ofStreams = "\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x7f\xff\xff\xff" // SETTINGS
	send(t, dialSmall(t, server), opening+ofStreams+window+rawGet(1, "/"))
	await.Value(t, "the stream ends", ended)
	await.True(t, "the connection is closed", func() bool { open, _ := server.listener.count(); return open == 0 })
}

// opening is how an HTTP/2 connection begins, without its SETTINGS frame.
const opening = preface + "\r\n\r\nSM\r\n\r\n"

// rawGet is a GET as an HTTP/2 client sends it: one HEADERS frame, for the host test.
func rawGet(stream byte, path string) string {
	header := "\x82\x86" + "\x01\x04test" + "\x04" + string(rune(len(path))) + path
	return "\x00\x00" + string(rune(len(header))) + "\x01\x05" + "\x00\x00\x00" + string([]byte{stream}) + header
}

// A connection has at most mostStreams concurrent requests, even if the client ignores the advertised limit.
func TestHTTP2StreamsAreBounded(t *testing.T) {
	begun, may := make(chan struct{}, mostStreams+1), make(chan struct{})
	server, _ := serving(t, settings(), waiting(begun, may))
	conn := dial(t, server)
	text := opening + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for i := range mostStreams + 1 {
		text += rawGet(byte(2*i+1), "/wait")
	}
	send(t, conn, text)
	told, refused := false, false
	for header := make([]byte, 9); !refused; {
		if _, err := io.ReadFull(conn, header); err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, int(header[1])<<8|int(header[2]))
		if _, err := io.ReadFull(conn, payload); err != nil {
			t.Fatal(err)
		}
		told = told || header[3] == 4 && strings.Contains(string(payload), "\x00\x03\x00\x00\x00\x64") // SETTINGS_MAX_CONCURRENT_STREAMS
		refused = header[3] == 3 && header[8] == 2*mostStreams+1                                       // RST_STREAM
	}
	if !told {
		t.Error("the limit was not advertised")
	}
	for range mostStreams {
		await.Value(t, "a request begins", begun)
	}
	if len(begun) > 0 {
		t.Error("the refused request was served, too")
	}
	close(may)
}

// Events may come at any time: the write timeout limits how long a client may leave one unread, not the time between
// two.
func TestHTTP2Events(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	next, left := make(chan string), make(chan struct{})
	server, _ := serving(t, cfg, route(http.MethodGet, "/ok", ok), route(http.MethodGet, "/events", func(w http.ResponseWriter, r *http.Request) error {
		events := NewEvents(w, r)
		for {
			select {
			case event := <-next:
				if err := events.Send([]byte("data: " + event + "\n\n")); err != nil {
					return err
				}
			case <-Lasting(r.Context()).Done():
				close(left)
				return nil
			}
		}
	}))
	client := http2Client(t)
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.Addr()+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	go func() { next <- "0" }()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	reader := bufio.NewReader(response.Body)
	for i := range 3 {
		if i > 0 {
			silent := time.Now()
			await.True(t, "more than the write timeout has passed", func() bool { return time.Since(silent) > 2*cfg.WriteTimeout })
			next <- fmt.Sprint(i)
		}
		if line, err := reader.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Errorf("got %q, %v", line, err)
		}
		_, _ = reader.ReadString('\n')
		get2(t, client, server, "/ok") // concurrently
	}
	leave()
	await.Value(t, "the handler learns that the client has left", left)
	get2(t, client, server, "/ok")
}

// A draining server asks its HTTP/2 clients to go elsewhere with their next request, finishes the requests in flight,
// and doesn't wait for idle connections.
func TestHTTP2Drain(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.DrainDelay = 2 * time.Second
	begun, may := make(chan struct{}, 1), make(chan struct{})
	server, _ := serving(t, cfg, route(http.MethodGet, "/ok", ok), waiting(begun, may))
	busy, idle, told := http2Client(t), http2Client(t), http2Client(t)
	get2(t, idle, server, "/ok")
	get2(t, told, server, "/ok")
	inFlight := later2(busy, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(t.Context()) }()
	await.True(t, "the server drains", server.Draining)
	get2(t, told, server, "/ok")
	await.True(t, "its connection is closed", func() bool { open, _ := server.listener.count(); return open <= 2 })
	stopsBehind(t, stopped, inFlight, may)
}

func TestHTTP2IdleTimeout(t *testing.T) {
	cfg := settings()
	cfg.IdleTimeout = 100 * time.Millisecond
	server, _ := serving(t, cfg, route(http.MethodGet, "/ok", ok))
	get2(t, http2Client(t), server, "/ok")
	await.True(t, "the connection is closed", func() bool { open, _ := server.listener.count(); return open == 0 })
}

// A header above the limit is refused, at the latest by the server.
func TestHTTP2HeaderLimit(t *testing.T) {
	server, _ := serving(t, settings(), route(http.MethodGet, "/", ok))
	response, err := http2Client(t).Get("http://" + server.Addr() + "/?" + strings.Repeat("x", 17<<10))
	if err == nil {
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got %s", response.Status)
		}
	}
}

// At the connection limit an HTTP/2 connection is evicted if it has no open stream, however busy it was before, and
// never while it has one.
func TestHTTP2ConnectionsMakeRoom(t *testing.T) {
	t.Parallel() // waits for a connection to be idle
	cfg := settings()
	cfg.MaxConnections = 2
	begun, may := make(chan struct{}, 1), make(chan struct{})
	server, _ := serving(t, cfg, route(http.MethodGet, "/", ok), waiting(begun, may))
	busy, idle := http2Client(t), http2Client(t)
	get2(t, idle, server, "/")
	inFlight := later2(busy, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	await.True(t, "one is idle", func() bool { _, idle := server.listener.count(); return idle == 1 })
	keep(dial(t, server)).succeeds(t, "a newcomer, in its place")
	close(may)
	if got := await.Value(t, "the request in flight ends", inFlight); got.status != http.StatusOK {
		t.Errorf("in flight: got %+v", got)
	}
	get2(t, busy, server, "/")
}

// An event that a client doesn't accept is dropped at the write timeout, however short it is.
func TestHTTP2EventsNotTaken(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		ended <- NewEvents(w, r).Send([]byte("data: 1\n\n"))
		return nil
	}))
	const noWindow = "\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x00\x00\x00\x00"
	send(t, dial(t, server), opening+noWindow+rawGet(1, "/"))
	if err := await.Value(t, "the event is given up", ended); err == nil {
		t.Error("a client without a window took an event")
	}
}

// A refusal is sent completely before the client has sent its body.
func TestHTTP2RefusalBeforeTheBody(t *testing.T) {
	begun, may := make(chan struct{}, 1), make(chan struct{})
	one := route(http.MethodPost, "/post", func(w http.ResponseWriter, r *http.Request) error {
		begun <- struct{}{}
		<-may
		return ok(w, r)
	})
	one.Kind, one.Limit = Streams, 1
	server, _ := serving(t, settings(), one)
	client := http2Client(t)
	first := make(chan error, 1)
	go func() {
		response, err := client.Post("http://"+server.Addr()+"/post", "", http.NoBody)
		if err == nil {
			err = response.Body.Close()
		}
		first <- err
	}()
	await.Value(t, "a request has the only place", begun)
	never, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr()+"/post", never)
	if err != nil {
		t.Fatal(err)
	}
	do(t, client, request).problem(t, http.StatusServiceUnavailable)
	close(may)
	if err := await.Value(t, "the first ends, on the same connection", first); err != nil {
		t.Error(err)
	}
}

// All HTTP/2 connections together may have as many concurrent requests as there may be connections, one address three
// quarters of that. HTTP/1 is not affected.
func TestHTTP2RequestsAreBounded(t *testing.T) {
	cfg := settings()
	cfg.MaxConnections = 8
	begun, may := make(chan struct{}, 8), make(chan struct{})
	server, written := serving(t, cfg, route(http.MethodGet, "/", ok), waiting(begun, may))
	var inFlight []<-chan result
	for range 2 {
		client := http2Client(t)
		for range 3 {
			inFlight = append(inFlight, later2(client, server, "/wait"))
			await.Value(t, "a request is in flight", begun)
		}
	}
	one := http2Client(t)
	problem := do(t, one, mustGet(t, server, "/")).problem(t, http.StatusServiceUnavailable)
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
	await.True(t, "there is room", func() bool { return do(t, one, mustGet(t, server, "/")).status == http.StatusOK })
	if lines := written.lines(); !strings.Contains(lines[0], "too many requests at once") {
		t.Errorf("logged %q", lines)
	}
}

func mustGet(t *testing.T, server *Server, path string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Addr()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return request
}
