package arena

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/httpserver"
	"superheroes/test/fakepeer"
)

// listing returns a service whose list has the given parts. With ?name= the list is aborted after the last part.
func listing(cfg httpserver.Config, parts ...string) http.Handler {
	api := httpserver.NewAPI(huma.Info{Title: "Heroes", Version: "test"}, slog.New(slog.DiscardHandler), cfg)
	compressor := &httpserver.Compressor{}
	api.Mount("GET /api/heroes", func(w http.ResponseWriter, r *http.Request) error {
		list := httpserver.NewList(w, r, compressor)
		for _, part := range parts {
			_ = list.Write([]byte(part)) // fails if the client is gone
		}
		if r.URL.Query().Has("name") {
			return errors.New("kryptonite")
		}
		return list.End([]byte("]"))
	})
	return api
}

// A compressed response passes through the gateway unchanged, whether complete or truncated, and nothing is compressed
// for a browser that doesn't accept gzip.
func TestCompressedLists(t *testing.T) {
	cfg, client := limits()
	parts := []string{"[" + strings.Repeat("1,", 50_000), strings.Repeat("2,", 50_000) + "3"}
	whole := strings.Join(parts, "") + "]"
	handler := listing(cfg, parts...)
	for way, part := range map[string]Part{
		"in process": Local{Handler: handler},
		"over HTTP":  remotePart(t, "heroes", fakepeer.New(t, handler.ServeHTTP).URL, client),
	} {
		t.Run(way, func(t *testing.T) {
			addr := serve(t, cfg, map[string]Part{"heroes": part})
			plain, zipped := get(t, addr, "/api/heroes"), get(t, addr, "/api/heroes", "Accept-Encoding: gzip")
			if plain.header.Get("Content-Encoding") != "" || plain.body != whole {
				t.Errorf("plain: got %v and %d bytes", plain.header, len(plain.body))
			}
			if zipped.header.Get("Content-Encoding") != "gzip" || zipped.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("compressed: got %v", zipped.header)
			}
			if text, err := unzip(zipped.body); err != nil || text != whole {
				t.Errorf("compressed: got %d bytes: %v", len(text), err)
			}
			_, response := open(t, addr, "/api/heroes?name=a", "Accept-Encoding: gzip")
			var begun bytes.Buffer
			if _, err := io.Copy(&begun, response.Body); err == nil {
				t.Error("truncated list: the response ended with a final chunk")
			}
			if text, err := unzip(begun.String()); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(whole, text) || len(text) < len(parts[0]) {
				t.Errorf("truncated list: decompressed %d bytes, with error %v", len(text), err)
			}
		})
	}
}

func unzip(zipped string) (string, error) {
	reader, err := gzip.NewReader(strings.NewReader(zipped))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(reader)
	return string(text), err
}
