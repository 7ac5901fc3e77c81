package httpserver

import (
	"net/http"
	"strconv"
)

// List is a JSON array of unknown length, sent in parts as a Stream, and compressed where the client accepts gzip. A list that
// isn't ended is recognizably broken off: it has neither gzip's trailer nor the end of HTTP's chunks.
type List struct {
	*Stream
	head     bool // nobody wants more than the header
	accepted codings
	begun    bool
	zip      *gzipText // nil for a plain list
	out      []byte    // of the last part
}

// NewList returns the list that answers a request.
func NewList(w http.ResponseWriter, r *http.Request, compressor *Compressor) *List {
	return &List{
		Stream: NewStream(w, r), head: r.Method == http.MethodHead, accepted: codingsOf(r.Header), zip: &gzipText{compressor: compressor},
	}
}

// Write sends the next part. Its error means that nobody wants more.
func (l *List) Write(part []byte) error {
	if !l.begun {
		l.begin(minGzip + 1) // there is more to come
	}
	if l.head {
		return http.ErrBodyNotAllowed
	}
	if err := l.Stream.Write(l.encode(part)); err != nil || l.zip == nil {
		return err
	}
	return http.NewResponseController(l.w).Flush() // a compressed part may be small enough to stay in net/http's buffers
}

// End sends the last part, which may be the only one.
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

// begin sets the header of a list of that length.
func (l *List) begin(length int) {
	l.begun = true
	l.w.Header().Set("Content-Type", "application/json")
	if !l.zip.compressor.negotiate(l.w, l.accepted, length) {
		l.zip = nil
		return
	}
	l.out = l.zip.begin(l.out)
}

// encode returns a part as it is sent.
func (l *List) encode(part []byte) []byte {
	if l.zip == nil {
		return part
	}
	sent := l.zip.part(l.out, part)
	l.out = sent[:0]
	return sent
}
