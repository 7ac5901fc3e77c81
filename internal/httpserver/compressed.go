package httpserver

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// minGzip is the length of an answer, in bytes, above which it is compressed for clients who accept gzip. One that is
// shorter fits in a packet as it is.
const minGzip = 1 << 10

// WriteList answers 200 with a JSON array, compressed where the client accepts gzip.
func WriteList(w http.ResponseWriter, r *http.Request, compressor *Compressor, body []byte) error {
	if compressor.negotiate(w, codingsOf(r.Header), len(body)) {
		body = compressor.whole(body)
	}
	return WriteJSON(w, body)
}

// WriteTagged is WriteTagged with a body that is compressed where the client accepts gzip. That form has a tag of its own.
func (c *Compressor) WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	plain := ETag(body)
	zipped := strings.TrimSuffix(plain, `"`) + `-gzip"`
	known, _ := tagsOf(r.Header, "If-None-Match")
	accepted := codingsOf(r.Header)
	if accepted.prefersGzip() && known.have(zipped, true) { // known without compressing anything
		vary(w.Header())
		w.Header().Set("ETag", zipped)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if !c.negotiate(w, accepted, len(body)) {
		return WriteTagged(w, r, contentType, body)
	}
	w.Header().Set("ETag", zipped)
	return WriteBytes(w, contentType, c.whole(body))
}

// whole returns a text compressed.
func (c *Compressor) whole(text []byte) []byte {
	zip := gzipText{compressor: c}
	return zip.end(zip.part(zip.begin(nil), text))
}

// negotiate reports whether an answer of that length is to be compressed, and says so in its header. It isn't when all
// deflaters are in use: a plain answer costs less than one that waits.
func (c *Compressor) negotiate(w http.ResponseWriter, accepted codings, length int) bool {
	vary(w.Header())
	short := length <= minGzip && accepted.plain > 0 // who refuses the plain form gets short ones compressed, too
	if !accepted.prefersGzip() || short || c.full() {
		return false
	}
	w.Header().Set("Content-Encoding", "gzip")
	return true
}

// vary tells caches that there are two forms.
func vary(header http.Header) { header.Add("Vary", "Accept-Encoding") }

// Compressed adds to a route's answers that the good one may be compressed.
func Compressed(responses map[string]*huma.Response) map[string]*huma.Response {
	good := responses["200"]
	good.Description += " Above 1 KiB it is compressed for clients that accept gzip, unless too many are being compressed at the time."
	if good.Headers == nil {
		good.Headers = map[string]*huma.Param{}
	}
	text := &huma.Schema{Type: "string"}
	good.Headers["Content-Encoding"] = &huma.Param{Description: "gzip, if the answer is compressed.", Schema: text}
	good.Headers["Vary"] = &huma.Param{Description: "Accept-Encoding.", Schema: text}
	return responses
}
