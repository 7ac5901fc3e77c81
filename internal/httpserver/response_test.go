package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"superheroes/test/await"
)

// isReset reports whether err means that the other side closed the connection with bytes unread.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// streaming returns a route that writes the given number of 64 KiB parts, and reports how it ended.
func streaming(parts int, ended chan<- error) Route { return streamingOf(64<<10, parts, ended) }

// streamingOf is streaming with parts of another size.
func streamingOf(size, parts int, ended chan<- error) Route {
	part := bytes.Repeat([]byte("x"), size)
	step := func(stream *Stream) error {
		ctx, cancel := stream.Step()
		defer cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		return stream.Write(part)
	}
	streaming := route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		stream := NewStream(w, r)
		var err error
		for i := 0; i < parts && err == nil; i++ {
			err = step(stream)
		}
		ended <- err
		return nil
	})
	return streaming
}

// dialSmall connects with a small window, so that what the client doesn't read stays with the server.
func dialSmall(t *testing.T, server *Server) net.Conn {
	t.Helper()
	dialer := &net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { setReceiveBuffer(fd, 16<<10) })
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestStreamDropsClientThatStalls(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, streaming(1<<20, ended))
	conn := dialSmall(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	if err := await.Value(t, "the stream ends", ended); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the write timeout", err)
	}
}

// The stream takes much longer than any timeout, and so does each half of it, written at once; but no piece of it
// does.
func TestStreamServesSlowClient(t *testing.T) {
	t.Parallel() // mostly waits
	const parts, size, limit = 2, 96 * 64 << 10, 3 * time.Second
	cfg := settings()
	cfg.Deadline, cfg.ReadHeaderTimeout, cfg.ReadTimeout, cfg.WriteTimeout = limit, limit, limit, limit
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, streamingOf(size/parts, parts, ended))
	conn := dialSmall(t, server)
	begin := time.Now()
	send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for chunk := make([]byte, 64<<10); err == nil; {
		var n int
		n, err = io.ReadFull(response.Body, chunk)
		got += n
		time.Sleep(limit / 40) // this slow is the client
	}
	if !errors.Is(err, io.EOF) || got != size {
		t.Errorf("the client got %d bytes and %v, want %d and the end", got, err, size)
	}
	if err := await.Value(t, "the stream ends", ended); err != nil {
		t.Errorf("the server saw %v", err)
	}
	if took := time.Since(begin); took < 2*cfg.WriteTimeout {
		t.Errorf("it took only %s: the test proves nothing", took)
	}
}

// After a stream, the connection has the timeouts of any other request.
func TestRequestAfterStream(t *testing.T) {
	ended := make(chan error, 1)
	server, _ := serving(t, settings(), streaming(3, ended), route(http.MethodGet, "/ok", ok))
	conn := dial(t, server)
	reader := bufio.NewReader(conn)
	for _, target := range []string{"/", "/ok", "/"} {
		send(t, conn, "GET "+target+" HTTP/1.1\r\nHost: test\r\n\r\n")
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		if target == "/" {
			if err := await.Value(t, "the stream ends", ended); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestStepHasTheDeadline(t *testing.T) {
	step := make(chan error, 1)
	cfg := settings()
	cfg.Deadline = 20 * time.Millisecond
	streaming := route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		for range 2 {
			ctx, cancel := NewStream(w, r).Step()
			<-ctx.Done()
			step <- context.Cause(ctx)
			cancel()
		}
		return nil
	})
	server, _ := serving(t, cfg, streaming)
	go func() { _, _ = http.Get("http://" + server.Addr()) }()
	for range 2 {
		if err := await.Value(t, "the step ends", step); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
}

// A client that announces a body and never sends it doesn't hold the connection beyond the read timeout.
func TestStreamWithABodyThatDoesNotArrive(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, streaming(1, ended))
	conn := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n")
	if _, err := io.Copy(io.Discard, conn); err != nil && !isReset(err) {
		t.Errorf("the connection stayed open: %v", err)
	}
}

func TestStreamDeadlineNeedsProgress(t *testing.T) {
	began := time.Now().Add(-time.Minute)
	x := &exchange{requestInfo: requestInfo{timeout: time.Hour, parent: t.Context()}, deadline: began.Add(time.Hour)}
	recorder := httptest.NewRecorder()
	stream := NewStream(recorder, httptest.NewRequestWithContext(x, http.MethodGet, "/", nil))
	deadline := func() time.Time {
		step, cancel := stream.Step()
		defer cancel()
		at, _ := step.Deadline()
		return at
	}
	first := deadline()
	if !first.Equal(x.deadline) {
		t.Errorf("the first step of a request that waited has until %v, want %v", first, x.deadline)
	}
	if again := deadline(); !again.Equal(first) {
		t.Errorf("a step that wrote nothing got until %v, want %v as before", again, first)
	}
	if err := stream.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if later := deadline(); !later.After(first) {
		t.Errorf("after a write the deadline is %v, want one after %v", later, first)
	}
}
