package httpserver

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestTakesGzip(t *testing.T) {
	for accepted, want := range map[string]bool{
		"":                         false,
		"gzip":                     true,
		"X-GZIP":                   true, // its older name
		"br;q=1 , gzip ; Q=0.001,": true,
		"gzip;q=1.000":             true,
		"*;q=0.1":                  true,
		"br, *;q=0":                false,
		"gzip, *;q=0":              true,
		"gzip;q=0.000, *":          false,
		"identity;q=0":             false, // nothing else is listed
		"identity, gzip":           true,  // equally good
		"identity;q=1, gzip;q=0.5": false,
		"identity;q=0.5, gzip":     true,
		"gzipped":                  false,
		"gzip;q=":                  false,
		"gzip;q=1.001":             false,
		"gzip;q=-1":                false,
		"gzip;q=0.1234":            false,
		"gzip;level=9":             false,
		"deflate|gzip":             true, // in two lines
		"gzip|gzip;q=0":            false,
	} {
		if got := TakesGzip(http.Header{"Accept-Encoding": strings.Split(accepted, "|")}); got != want {
			t.Errorf("%q prefers gzip: %t", accepted, got)
		}
	}
}

// The plain and the compressed form of a picture have different tags. A client that already has the form it prefers
// gets a 304, even if no deflater is free to compress the picture.
func TestWriteTaggedCompressed(t *testing.T) {
	body, compressor := heroes(5<<10), &Compressor{}
	plain := ETag(body)
	zipped := strings.TrimSuffix(plain, `"`) + `-gzip"`
	server, _ := serving(t, settings(), get(func(w http.ResponseWriter, r *http.Request) error {
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
		{"client has the plain form, with a weak tag", "", "W/" + plain, false, 304, plain},
		{"client has another version", "", `"a"`, false, 200, plain},
		{"malformed tag", "", plain[1:], false, 200, plain},
		{"client has the compressed form, with a weak tag", "gzip", "W/" + zipped, false, 304, zipped},
		{"client has the compressed form, no deflater free", "gzip", zipped, true, 304, zipped},
		{"client prefers gzip but has the plain form", "gzip", plain, false, 200, zipped},
		{"client has the compressed form but no longer accepts gzip", "", zipped, false, 200, plain},
		{"client has any version", "gzip", "*", false, 304, zipped},
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
			if vary := got.header.Values("Vary"); got.status != c.status || got.header.Get("ETag") != c.tag ||
				len(vary) != 1 || vary[0] != "Accept-Encoding" {
				t.Errorf("got status %d with header %v, want %d with tag %s", got.status, got.header, c.status, c.tag)
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
