package httpserver

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// minGzip is the length of a list, in bytes, above which it is compressed for clients who accept gzip. One that is shorter
// fits in a packet as it is.
const minGzip = 1 << 10

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
	return l.Stream.Write(l.encode(part, false))
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

// WriteList answers 200 with a JSON array, compressed where the client accepts gzip.
func WriteList(w http.ResponseWriter, r *http.Request, compressor *Compressor, body []byte) error {
	if compressor.negotiate(w, r, len(body)) {
		zip := gzipText{compressor: compressor}
		body = zip.end(zip.part(zip.begin(nil), body))
	}
	return WriteJSON(w, body)
}

// negotiate reports whether an answer of that length is to be compressed, and says so in its header. It isn't when all
// deflaters are in use: a plain answer costs less than one that waits.
func (c *Compressor) negotiate(w http.ResponseWriter, r *http.Request, length int) bool {
	header := w.Header()
	header.Add("Vary", "Accept-Encoding")
	gzip, plain := qualities(r.Header)
	short := length <= minGzip && plain > 0 // which a client who refuses the plain form gets compressed all the same
	if gzip == 0 || gzip < plain || short || c.full() {
		return false
	}
	header.Set("Content-Encoding", "gzip")
	return true
}

// Compressed adds to a route's answers that the good one may be compressed.
func Compressed(responses map[string]*huma.Response) map[string]*huma.Response {
	good := responses["200"]
	good.Description += " Above 1 KiB it is compressed for clients who accept gzip, unless too many are at the time."
	if good.Headers == nil {
		good.Headers = map[string]*huma.Param{}
	}
	text := &huma.Schema{Type: "string"}
	good.Headers["Content-Encoding"] = &huma.Param{Description: "gzip, or missing.", Schema: text}
	good.Headers["Vary"] = &huma.Param{Description: "Accept-Encoding.", Schema: text}
	return responses
}
