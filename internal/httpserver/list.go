package httpserver

import (
	"net/http"
	"strconv"
)

// List is a JSON array of unknown length, sent in parts as a Stream, and compressed where the client accepts gzip. A list that
// isn't ended is recognizably broken off: it has neither gzip's trailer nor the end of HTTP's chunks.
type List struct {
	*Stream
	request *http.Request
	begun   bool
	zip     *gzipText // nil for a plain list
	out     []byte    // of the last part
}

// NewList returns the list that answers a request.
func NewList(w http.ResponseWriter, r *http.Request, compressor *Compressor) *List {
	return &List{Stream: NewStream(w, r), request: r, zip: &gzipText{compressor: compressor}}
}

// Write sends the next part. Its error means that nobody wants more.
func (l *List) Write(part []byte) error {
	if !l.begun {
		l.begin(minGzip + 1) // there is more to come
	}
	if l.request.Method == http.MethodHead {
		return http.ErrBodyNotAllowed
	}
	if err := l.Stream.Write(l.encode(part, false)); err != nil || l.zip == nil {
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
	part = l.encode(part, true)
	if whole {
		l.w.Header().Set("Content-Length", strconv.Itoa(len(part)))
	}
	return l.Stream.Write(part)
}

// begin sets the header of a list of that length.
func (l *List) begin(length int) {
	l.w.Header().Set("Content-Type", "application/json")
	if !l.zip.compressor.negotiate(l.w, l.request, length) {
		l.zip = nil
	}
}

func (l *List) encode(part []byte, last bool) []byte {
	if l.zip == nil {
		l.begun = true
		return part
	}
	l.out = l.out[:0]
	if !l.begun {
		l.out, l.begun = l.zip.begin(l.out), true
	}
	l.out = l.zip.part(l.out, part)
	if last {
		l.out = l.zip.end(l.out)
	}
	return l.out
}
