package httpserver

import (
	"net/http"
	"strconv"
)

// List streams a JSON array of unknown length in parts, compressed if the client accepts gzip. If End isn't called, the
// client sees that the list is truncated, because both the gzip trailer and the final chunk are missing.
type List struct {
	*Stream
	request *http.Request
	begun   bool
	zip     *gzipText // nil for an uncompressed list
	out     []byte    // buffer of the previous part, for reuse
}

// NewList returns the List for a request's response.
func NewList(w http.ResponseWriter, r *http.Request, compressor *Compressor) *List {
	return &List{Stream: NewStream(w, r), request: r, zip: &gzipText{compressor: compressor}}
}

// Write sends the next part. An error means that the client is gone, or that the request is a HEAD.
func (l *List) Write(part []byte) error {
	if !l.begun {
		l.begin(minGzip + 1) // more parts follow
	}
	if l.request.Method == http.MethodHead {
		return http.ErrBodyNotAllowed
	}
	if err := l.Stream.Write(l.encode(part)); err != nil || l.zip == nil {
		return err
	}
	return http.NewResponseController(l.w).Flush() // a compressed part may be small enough to stay in net/http's buffers
}

// End sends the last part, which may be the only part.
func (l *List) End(part []byte) error {
	whole := !l.begun
	if whole {
		l.begin(len(part))
	}
	part = l.encode(part)
	if l.zip != nil {
		part = l.zip.end(part)
	}
	if whole {
		l.w.Header().Set("Content-Length", strconv.Itoa(len(part)))
	}
	return l.Stream.Write(part)
}

// begin sets the headers for a list of the given length.
func (l *List) begin(length int) {
	l.begun = true
	l.w.Header().Set("Content-Type", "application/json")
	if !l.zip.compressor.negotiate(l.w, codingsOf(l.request.Header), length) {
		l.zip = nil
		return
	}
	l.out = l.zip.begin(l.out)
}

// encode returns a part as it is sent: compressed, or unchanged for an uncompressed list.
func (l *List) encode(part []byte) []byte {
	if l.zip == nil {
		return part
	}
	sent := l.zip.part(l.out, part)
	l.out = sent[:0]
	return sent
}
