package httpserver

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// minGzip is the length in bytes above which a response is compressed for clients that accept gzip. A shorter one
// fits into one packet anyway.
const minGzip = 1 << 10

// WriteList sends a 200 with a JSON array, compressed if the client accepts gzip.
func WriteList(w http.ResponseWriter, r *http.Request, compressor *Compressor, body []byte) error {
	if compressor.negotiate(w, codingsOf(r.Header), len(body)) {
		body = compressor.whole(body)
	}
	return WriteJSON(w, body)
}

// WriteTagged is the function WriteTagged with compression for clients that accept gzip. The compressed form has its
// own tag.
func (c *Compressor) WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	plain := ETag(body)
	zipped := strings.TrimSuffix(plain, `"`) + `-gzip"`
	known, _ := tagsOf(r.Header, "If-None-Match")
	accepted := codingsOf(r.Header)
	if accepted.prefersGzip() && known.have(zipped, true) { // a match needs no compression
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

// whole returns text compressed.
func (c *Compressor) whole(text []byte) []byte {
	zip := gzipText{compressor: c}
	return zip.end(zip.part(zip.begin(nil), text))
}

// negotiate reports whether to compress a response of the given length, and sets the headers accordingly. It doesn't
// compress when all deflaters are in use: sending plain is cheaper than waiting.
func (c *Compressor) negotiate(w http.ResponseWriter, accepted codings, length int) bool {
	vary(w.Header())
	short := length <= minGzip && accepted.plain > 0 // a client that refuses the plain form gets short responses compressed, too
	if !accepted.prefersGzip() || short || c.full() {
		return false
	}
	w.Header().Set("Content-Encoding", "gzip")
	return true
}

// vary tells caches that the response has two forms.
func vary(header http.Header) { header.Add("Vary", "Accept-Encoding") }

// Compressed documents that a route's 200 response may be compressed.
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
