package httpserver

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Stream writes a response of unknown length in steps. The server's write timeout and the request's deadline restart
// with each piece written. A slow client therefore receives a list of any length, while a client that stops reading is
// dropped, and a search that finds nothing ends at its deadline.
type Stream struct {
	w        http.ResponseWriter
	ctx      context.Context
	exchange *exchange
	deadline time.Time
}

const (
	// piece is the number of bytes that must be written within one write timeout.
	piece = 64 << 10
	// maxUnsent limits how many unsent bytes of a stream the kernel buffers. Once this limit is reached, the kernel
	// accepts no more data until about half of the buffered data has been sent. By default the kernel buffers
	// megabytes, and once its buffer is full, it accepts no more data until a third of the buffer has been sent. A slow
	// client would then look as if it had stopped reading: at 1 Mbit/s it would be dropped after 15 s.
	maxUnsent = 128 << 10
)

// NewStream returns the stream for a request's response. Each step has its own deadline, which replaces the deadline of
// the request's context. Until the first write, a step's deadline is the request's deadline, so time spent waiting for
// a slot counts.
func NewStream(w http.ResponseWriter, r *http.Request) *Stream {
	x := exchangeOf(r.Context())
	deadline, bounded := r.Context().Deadline()
	if !bounded { // the context comes from Lasting and has no deadline
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

// pause suspends the write timeout until the next write. Over HTTP/1 the timeout only affects writes; over HTTP/2 it
// would also end a stream between writes.
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

// Write sends p. Each piece must be written within the write timeout.
func (s *Stream) Write(p []byte) error {
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), piece)
		s.exchange.restartWriteTimeout()
		if _, err := s.w.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	if s.exchange.pauses { // flush, since data left in a buffer would wait for the client without a timeout
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

// eventBuffer is the size of the kernel's send buffer for an event stream, in bytes. It is large enough for an event,
// and small enough that a client that doesn't read is soon noticed.
const eventBuffer = 32 << 10

// NewEvents starts the response.
func NewEvents(w http.ResponseWriter, r *http.Request) *Events {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // tells a proxy not to buffer the stream
	// The request has been read completely, so further reads only detect a disconnect.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	Endless(r)
	return &Events{NewStream(w, r)}
}

// Endless marks the request's response as a stream of events that lasts until the client disconnects: its duration isn't
// measured, it has no span, and the kernel's send buffer is limited to a few events. Call Endless before anything that may
// become a child of the span. Over HTTP/2 the buffer isn't limited, because there clients control the flow of each stream,
// and other streams share the connection.
func Endless(r *http.Request) {
	x := exchangeOf(r.Context())
	x.endless, x.span = true, nil
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

// connOf returns the connection of a request, or nil if the request didn't arrive over a connection.
func connOf(r *http.Request) *connection {
	conn, _ := r.Context().Value(connKey{}).(*connection)
	return conn
}

// withConn makes the connection available to connOf.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
