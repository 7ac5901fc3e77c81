package httpserver

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// NoStore marks an answer that must not be kept, such as a random pick.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// WriteJSON answers 200 with a JSON text.
func WriteJSON(w http.ResponseWriter, body []byte) error {
	return WriteBytes(w, "application/json", body)
}

// WriteBytes answers 200 with a body of the given type.
func WriteBytes(w http.ResponseWriter, contentType string, body []byte) error {
	return WriteStatus(w, http.StatusOK, contentType, body)
}

// WriteStatus answers with a status and a body of the given type.
func WriteStatus(w http.ResponseWriter, status int, contentType string, body []byte) error {
	header := w.Header()
	header.Set("Content-Type", contentType)
	if len(body) > counted {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // no markup; it fails only when the client is gone, and then there is nobody to tell
	return nil
}

// counted is the length of a body, in bytes, up to which net/http counts it itself.
const counted = 2048

// UnknownPath is the detail of the 404 for a path that no route has.
const UnknownPath = "there is nothing at this path"

// response watches one answer: whether it has begun and with which status, and it turns the plain-text 404 of the
// router, and of handlers that aren't ours, into problem answers.
type response struct {
	http.ResponseWriter
	info   *requestInfo
	status int  // 0 until the answer has begun
	drop   bool // the plain text, replaced
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

// Stream writes an answer of unknown length in steps. The server's write time-out and the request's deadline begin anew
// with each piece that is written, so that a list of any length gets through, also to a client that reads slowly; one that
// stops reading is dropped, and a search that finds nothing ends at its deadline.
type Stream struct {
	w            http.ResponseWriter
	ctx          context.Context
	timeout      time.Duration
	deadline     time.Time
	writeTimeout time.Duration
	http2        bool
}

const (
	// piece is how much of a stream is written within one write time-out, in bytes.
	piece = 64 << 10
	// maxUnsent is how much of a stream the kernel takes that it can't send yet, in bytes. When it has taken that much it
	// takes no more until about half is sent. Of its own accord it takes megabytes and then nothing until a third of them is
	// sent, which looks like a client that doesn't read: one with 1 Mbit/s would be dropped after 15 s.
	maxUnsent = 128 << 10
)

// NewStream returns the stream of a request. Its steps, in the place of the request's context, have a deadline each: until
// something is written that of the request, which may have waited for its turn.
func NewStream(w http.ResponseWriter, r *http.Request) *Stream {
	info := infoOf(r.Context())
	if info == nil {
		return &Stream{w: w, ctx: r.Context()}
	}
	deadline, bounded := r.Context().Deadline()
	if !bounded { // the context is a lasting one
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

// pause stops the write time-out until there is more to write. In HTTP/1 it ends nothing but a write; in HTTP/2 it ends the
// stream when it is over, also while nothing is written.
func (s *Stream) pause() {
	if s.http2 {
		_ = http.NewResponseController(s.w).SetWriteDeadline(time.Time{})
	}
}

// resume has the write time-out run again for what is still to be written when a handler has ended that paused it.
func (i *requestInfo) resume(w http.ResponseWriter) {
	if i.paused && i.writeTimeout > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(i.writeTimeout))
	}
}

// Step returns the context of the next step.
func (s *Stream) Step() (context.Context, context.CancelFunc) {
	if s.deadline.IsZero() { // the request is none of an API's
		return context.WithCancel(s.ctx)
	}
	return context.WithDeadline(s.ctx, s.deadline)
}

// Write sends p, each piece of it within the write time-out.
func (s *Stream) Write(p []byte) error {
	control := http.NewResponseController(s.w)
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), piece)
		if s.writeTimeout > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(s.writeTimeout)) // a test's recorder has none
		}
		if _, err := s.w.Write(p[:n]); err != nil { //nolint:gosec // nothing of the request is in it but the choice of its coding
			return err
		}
		p = p[n:]
	}
	if s.http2 { // what is still in a buffer would wait for the client without a time-out
		if err := control.Flush(); err != nil {
			return err
		}
		s.pause()
	}
	if !s.deadline.IsZero() {
		s.deadline = time.Now().Add(s.timeout)
	}
	return nil
}
