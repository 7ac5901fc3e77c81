package httpserver

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// TakesGzip reports whether a client prefers gzip according to its Accept-Encoding header (RFC 9110, section 12.5.3).
func TakesGzip(header http.Header) bool {
	return codingsOf(header).prefersGzip()
}

// codings holds the quality values of gzip and of the uncompressed form in thousandths; 0 means not acceptable.
type codings struct{ gzip, plain int }

func (c codings) prefersGzip() bool { return c.gzip > 0 && c.gzip >= c.plain }

// unlisted is the quality value of a coding that the client neither lists nor covers with *.
const unlisted = -1

// codingsOf parses Accept-Encoding. The uncompressed form is acceptable even if unlisted, but any listed coding is
// preferred.
func codingsOf(header http.Header) codings {
	gzip, plain, others := unlisted, unlisted, unlisted // others is *
	for _, line := range header.Values("Accept-Encoding") {
		for element := range strings.SplitSeq(line, ",") {
			coding, weight, weighted := strings.Cut(element, ";")
			quality, ok := 1000, true
			if weighted {
				quality, ok = qualityOf(weight)
			}
			if !ok {
				continue // a malformed element is ignored
			}
			switch coding = strings.ToLower(strings.TrimSpace(coding)); coding {
			case "gzip", "x-gzip":
				gzip = quality
			case "identity":
				plain = quality
			case "*":
				others = quality
			}
		}
	}
	if gzip == unlisted {
		gzip = max(others, 0)
	}
	if plain == unlisted && others != 0 {
		plain = 1
	}
	return codings{gzip, max(plain, 0)}
}

// qualityOf parses a weight such as q=0.5 into thousandths. The weight must be from 0 to 1 with at most three decimals.
func qualityOf(weight string) (quality int, ok bool) {
	name, value, _ := strings.Cut(strings.TrimSpace(weight), "=")
	whole, fraction, _ := strings.Cut(value, ".")
	if !strings.EqualFold(name, "q") || whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0, false
	}
	n, ok := parseDecimal(whole + (fraction + "000")[:3])
	return int(n), ok && n <= 1000
}

// minGzip is the length in bytes above which a response is compressed for clients that accept gzip. A shorter response
// fits into a single packet anyway.
const minGzip = 1 << 10

// WriteList sends a 200 with a JSON array, compressed if the client accepts gzip.
func WriteList(w http.ResponseWriter, r *http.Request, compressor *Compressor, body []byte) error {
	if compressor.negotiate(w, codingsOf(r.Header), len(body)) {
		body = compressor.whole(body)
	}
	return WriteJSON(w, body)
}

// WriteTagged is like the package's WriteTagged function, but compresses the response for clients that accept gzip. The
// compressed form has its own entity tag.
func (c *Compressor) WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	plain := ETag(body)
	zipped := strings.TrimSuffix(plain, `"`) + `-gzip"`
	known, _ := tagsOf(r.Header, "If-None-Match")
	accepted := codingsOf(r.Header)
	if accepted.prefersGzip() && known.have(zipped, true) { // a 304 needs no compression
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

// negotiate reports whether to compress a response of the given length, and sets the headers accordingly. When all
// deflaters are in use, the response isn't compressed, since sending it uncompressed is cheaper than waiting.
func (c *Compressor) negotiate(w http.ResponseWriter, accepted codings, length int) bool {
	vary(w.Header())
	short := length <= minGzip && accepted.plain > 0 // for a client that requires gzip, even short responses are compressed
	if !accepted.prefersGzip() || short || c.full() {
		return false
	}
	w.Header().Set("Content-Encoding", "gzip")
	return true
}

// vary tells caches that the response depends on the client's Accept-Encoding.
func vary(header http.Header) { header.Add("Vary", "Accept-Encoding") }

// Compressed adds to a route's documentation that the 200 response may be compressed.
func Compressed(responses map[string]*huma.Response) map[string]*huma.Response {
	good := responses["200"]
	good.Description += " A response above 1 KiB is compressed for clients that accept gzip, unless too many other responses are being compressed at the time."
	if good.Headers == nil {
		good.Headers = map[string]*huma.Param{}
	}
	text := &huma.Schema{Type: "string"}
	good.Headers["Content-Encoding"] = &huma.Param{Description: "gzip, if the response is compressed.", Schema: text}
	good.Headers["Vary"] = &huma.Param{Description: "Accept-Encoding.", Schema: text}
	return responses
}
