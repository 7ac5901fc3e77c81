package httpserver

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// The two forms of a picture have different tags. A client that has either gets a 304, even if nothing can be
// compressed.
func TestWriteTaggedCompressed(t *testing.T) {
	body, compressor := heroes(5<<10), &Compressor{}
	plain := ETag(body)
	zipped := strings.TrimSuffix(plain, `"`) + `-gzip"`
	server, _ := serving(t, settings(), route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		return compressor.WriteTagged(w, r, "image/svg+xml", body)
	}))
	for _, c := range []struct {
		name, accept, ifNoneMatch string
		busy                      bool
		status                    int
		tag                       string
	}{
		{"plain", "", "", false, 200, plain},
		{"compressed", "gzip", "", false, 200, zipped},
		{"no deflater free", "gzip", "", true, 200, plain},
		{"plain is there", "", plain, false, 304, plain},
		{"compressed is there", "gzip", zipped, false, 304, zipped},
		{"compressed is there, as a weak one", "gzip", "W/" + zipped, false, 304, zipped},
		{"compressed is there, no deflater free", "gzip", zipped, true, 304, zipped},
		{"the other form is there", "gzip", plain, false, 200, zipped},
		{"the other form is there, no deflater free", "gzip", plain, true, 304, plain},
		{"what the client doesn't accept any more is there", "", zipped, false, 200, plain},
		{"whatever there is", "gzip", "*", false, 304, zipped},
		{"another", "gzip", `"other"`, false, 200, zipped},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.busy {
				defer compressor.holdAll()()
			}
			header := []string{"Accept-Encoding", c.accept}
			if c.ifNoneMatch != "" {
				header = append(header, "If-None-Match", c.ifNoneMatch)
			}
			got := ask(t, server, http.MethodGet, "/", "", header...)
			if got.status != c.status || got.header.Get("ETag") != c.tag || got.header.Get("Vary") != "Accept-Encoding" || len(got.header.Values("Vary")) != 1 {
				t.Errorf("got %d with %v, want %d with %s", got.status, got.header, c.status, c.tag)
			}
			text := []byte(got.body)
			if compressed := got.header.Get("Content-Encoding") == "gzip"; compressed != (c.status == 200 && c.tag == zipped) {
				t.Errorf("compressed: %t", compressed)
			} else if compressed {
				var err error
				if text, err = unzip(text); err != nil {
					t.Error(err)
				}
			}
			if whole := c.status == 200; whole != bytes.Equal(text, body) || !whole && len(text) > 0 {
				t.Errorf("got %d bytes", len(text))
			}
		})
	}
}
