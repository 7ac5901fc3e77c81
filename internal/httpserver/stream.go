package httpserver

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Stream writes a response of unknown length in steps. The server's write timeout and the request's deadline restart
// with each piece written. So a list of any length gets through, even to a slow client, while a client that stops
// reading is dropped, and a search without results ends at its deadline.
type Stream struct {
	w        http.ResponseWriter
	ctx      context.Context
	exchange *exchange
	deadline time.Time
}

const (
	// piece is how much of a stream is written per write timeout, in bytes.
	piece = 64 << 10
	// maxUnsent limits how many bytes of a stream the kernel buffers before it can send them. At that limit it
	// accepts no more until about half is sent. By default it buffers megabytes, then accepts nothing until a third
	// of them is sent, which looks like a client that has stopped reading: one with 1 Mbit/s would be dropped after
	// 15 s.
	maxUnsent = 128 << 10
)

// NewStream returns the stream for a request's response. Each step has a deadline of its own, in place of the
// request's context; up to the first write it is the request's, which may have waited for its slot.
func NewStream(w http.ResponseWriter, r *http.Request) *Stream {
	x := exchangeOf(r.Context())
	deadline, bounded := r.Context().Deadline()
	if !bounded { // the context comes from Lasting
		deadline = time.Now().Add(x.timeout)
	}
	if conn := connOf(r); conn != nil {
		limitUnsent(conn)
		x.pauses = conn.http2
	}
	s := &Stream{w, Lasting(r.Context()), x, deadline}
	s.pause()
	return s
}

// pause suspends the write timeout until there is more to write. In HTTP/1 it only affects writes; in HTTP/2 it would
// end the stream even between writes.
func (s *Stream) pause() {
	if s.exchange.pauses {
		_ = http.NewResponseController(s.w).SetWriteDeadline(time.Time{})
	}
}

func (x *exchange) restartWriteTimeout() {
	if x.writeTimeout > 0 {
		_ = http.NewResponseController(x.ResponseWriter).SetWriteDeadline(time.Now().Add(x.writeTimeout))
	}
}

// Step returns the context of the next step.
func (s *Stream) Step() (context.Context, context.CancelFunc) {
	return context.WithDeadline(s.ctx, s.deadline)
}

// Write sends p, each piece within the write timeout.
func (s *Stream) Write(p []byte) error {
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), piece)
		s.exchange.restartWriteTimeout()
		if _, err := s.w.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	if s.exchange.pauses { // a buffered rest would wait for the client without a timeout
		if err := http.NewResponseController(s.w).Flush(); err != nil {
			return err
		}
		s.pause()
	}
	s.deadline = time.Now().Add(s.exchange.timeout)
	return nil
}

// Events is a stream of server-sent events that lasts until the client disconnects. Each event is sent at once. The
// route must declare the kind Streams.
type Events struct{ stream *Stream }

// eventBuffer is the kernel's send buffer in bytes for a client that doesn't read: small enough to notice such a
// client soon, large enough for an event.
const eventBuffer = 32 << 10

// NewEvents starts the response.
func NewEvents(w http.ResponseWriter, r *http.Request) *Events {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // tells a proxy not to buffer
	// The request has been read; reads now only detect a disconnect.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	KeepLittle(r)
	return &Events{NewStream(w, r)}
}

// KeepLittle limits the kernel's send buffer for the request's client to a few events. It does nothing over HTTP/2,
// where clients control the flow of each stream and other streams share the connection.
func KeepLittle(r *http.Request) {
	if conn := connOf(r); conn != nil && !conn.http2 {
		_ = conn.SetWriteBuffer(eventBuffer)
	}
}

// Send sends one event or comment verbatim. An error means that the client is gone, or hasn't read for longer than
// the write timeout.
func (e *Events) Send(event []byte) error {
	if err := e.stream.Write(event); err != nil {
		return err
	}
	return http.NewResponseController(e.stream.w).Flush()
}

type connKey struct{}

// connOf returns the connection of a request, or nil if it didn't come over one.
func connOf(r *http.Request) *connection {
	conn, _ := r.Context().Value(connKey{}).(*connection)
	return conn
}

// withConn gives a request's handler access to its connection.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
