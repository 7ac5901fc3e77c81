package httpserver

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Events is a stream of server-sent events that lasts until the client disconnects. Each event is sent at once. The
// route must declare the kind Streams.
type Events struct {
	stream  *Stream
	control *http.ResponseController
}

// eventBuffer is the kernel's send buffer in bytes for a client that doesn't read: small enough to notice such a
// client soon, large enough for an event.
const eventBuffer = 32 << 10

// NewEvents starts the response.
func NewEvents(w http.ResponseWriter, r *http.Request) *Events {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // tells a proxy not to buffer
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the request has been read; reads now only detect a disconnect
	KeepLittle(r)
	return &Events{NewStream(w, r), control}
}

// KeepLittle limits the kernel's send buffer for the request's client to a few events. It does nothing over HTTP/2,
// where clients control the flow of each stream and other streams share the connection.
func KeepLittle(r *http.Request) {
	if conn, ok := r.Context().Value(connKey{}).(*connection); ok && !conn.http2 {
		_ = conn.SetWriteBuffer(eventBuffer)
	}
}

// Send sends one event or comment verbatim. An error means that the client is gone, or hasn't read for longer than
// the write timeout.
func (e *Events) Send(event []byte) error {
	if err := e.stream.Write(event); err != nil {
		return err
	}
	return e.control.Flush()
}

type connKey struct{}

// withConn gives a request's handler access to its connection.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
