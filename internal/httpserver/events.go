package httpserver

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Events is an answer that goes on for as long as the client listens: server-sent events, each sent at once. Its route's
// Kind is Streams.
type Events struct {
	stream  *Stream
	control *http.ResponseController
}

// eventBuffer is how much the kernel keeps for a client that doesn't read, in bytes. It is little, so that such a client
// is found out; and it is more than one event.
const eventBuffer = 32 << 10

// NewEvents begins the answer.
func NewEvents(w http.ResponseWriter, r *http.Request) *Events {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // a proxy is to pass each event on
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the request was read; what follows is that the client leaves
	KeepLittle(r)
	return &Events{NewStream(w, r), control}
}

// KeepLittle has the kernel keep no more than a few events for the client of a request. An HTTP/2 client says itself how much
// it takes of each stream, and has other streams on the connection.
func KeepLittle(r *http.Request) {
	if conn, ok := r.Context().Value(connKey{}).(*connection); ok && !conn.http2 {
		_ = conn.SetWriteBuffer(eventBuffer)
	}
}

// Send sends one event, or a comment, as it is. Its error means that the client is gone, or has not read for longer
// than the write time-out.
func (e *Events) Send(event []byte) error {
	if err := e.stream.Write(event); err != nil {
		return err
	}
	return e.control.Flush()
}

type connKey struct{}

// withConn lets a request's handler reach its connection.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
