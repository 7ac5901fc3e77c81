package httpserver

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// NoStore marks a response that must not be cached, such as a random pick.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// WriteJSON sends a 200 with a JSON body.
func WriteJSON(w http.ResponseWriter, body []byte) error {
	return WriteBytes(w, "application/json", body)
}

// WriteBytes sends a 200 with a body of the given type.
func WriteBytes(w http.ResponseWriter, contentType string, body []byte) error {
	return WriteStatus(w, http.StatusOK, contentType, body)
}

// WriteStatus sends a status and a body of the given type.
func WriteStatus(w http.ResponseWriter, status int, contentType string, body []byte) error {
	header := w.Header()
	header.Set("Content-Type", contentType)
	if len(body) > counted {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // no markup; it fails only if the client is gone
	return nil
}

// counted is the body length, in bytes, up to which net/http sets Content-Length itself.
const counted = 2048

// UnknownPath is the detail of the 404 for a path without a route.
const UnknownPath = "there is nothing at this path"

// response records whether a response has begun, and its status. It also replaces plain-text 404s, from the router
// and from third-party handlers, with problem responses.
type response struct {
	http.ResponseWriter
	info   *requestInfo
	status int  // 0 until the response has begun
	drop   bool // discard the plain text, which has been replaced
}

func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status == http.StatusNotFound && strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		w.drop = true
		w.status = status
		writeProblem(w.ResponseWriter, Errorf(status, UnknownPath))
		return
	}
	if status >= http.StatusOK {
		w.status = status
		w.info.answering(w.status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.drop {
		return len(p), nil
	}
	if w.status == 0 {
		w.status = http.StatusOK
		w.info.answering(w.status)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Stream writes a response of unknown length in steps. The server's write timeout and the request's deadline restart
// with each piece written. So a list of any length gets through, even to a slow client, while a client that stops
// reading is dropped, and a search without results ends at its deadline.
type Stream struct {
	w            http.ResponseWriter
	ctx          context.Context
	timeout      time.Duration
	deadline     time.Time
	writeTimeout time.Duration
	http2        bool
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
	info := infoOf(r.Context())
	deadline, bounded := r.Context().Deadline()
	if !bounded { // the context comes from Lasting
		deadline = time.Now().Add(info.timeout)
	}
	s := &Stream{w: w, ctx: Lasting(r.Context()), timeout: info.timeout, writeTimeout: info.writeTimeout, deadline: deadline}
	if conn, ok := r.Context().Value(connKey{}).(*connection); ok {
		limitUnsent(conn)
		s.http2, info.paused = conn.http2, conn.http2
	}
	s.pause()
	return s
}

// pause suspends the write timeout until there is more to write. In HTTP/1 it only affects writes; in HTTP/2 it would
// end the stream even between writes.
func (s *Stream) pause() {
	if s.http2 {
		_ = http.NewResponseController(s.w).SetWriteDeadline(time.Time{})
	}
}

// resume restores a suspended write timeout after the handler has returned, for data still to be written.
func (i *requestInfo) resume(w http.ResponseWriter) {
	if i.paused && i.writeTimeout > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(i.writeTimeout))
	}
}

// Step returns the context of the next step.
func (s *Stream) Step() (context.Context, context.CancelFunc) {
	return context.WithDeadline(s.ctx, s.deadline)
}

// Write sends p, each piece within the write timeout.
func (s *Stream) Write(p []byte) error {
	control := http.NewResponseController(s.w)
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), piece)
		if s.writeTimeout > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(s.writeTimeout)) // unsupported by a test's recorder
		}
		if _, err := s.w.Write(p[:n]); err != nil { //nolint:gosec // nothing of the request is in it but the choice of the encoding
			return err
		}
		p = p[n:]
	}
	if s.http2 { // a buffered rest would wait for the client without a timeout
		if err := control.Flush(); err != nil {
			return err
		}
		s.pause()
	}
	s.deadline = time.Now().Add(s.timeout)
	return nil
}
