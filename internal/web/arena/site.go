package arena

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"superheroes/internal/httpserver"
)

//go:embed page
var files embed.FS

// policy lets a page load files only from its own origin. It prevents text such as a hero's name from running as a
// script, and makes the browser refuse to turn strings into markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// screen is a page of the arena, with its title and files.
type screen struct {
	Name, Title, Singular string
	Path                  string
	Script                string
	template              string
}

func screens() []screen {
	return []screen{
		{Name: "battle", Title: "Battle", Path: "/", Script: "battle.js", template: "battle.html"},
		{Name: "heroes", Title: "Heroes", Singular: "hero", Path: "/heroes", Script: "catalog.js", template: "catalog.html"},
		{Name: "villains", Title: "Villains", Singular: "villain", Path: "/villains", Script: "catalog.js", template: "catalog.html"},
		{Name: "locations", Title: "Locations", Singular: "location", Path: "/locations", Script: "catalog.js", template: "catalog.html"},
		{Name: "status", Title: "Status", Path: "/status", Script: "status.js", template: "status.html"},
	}
}

// site holds the arena's pages and assets. Asset paths contain a hash of all assets, so the asset at a path never
// changes. A browser revalidates a page each time, and gets a 304 if the page is unchanged.
type site struct {
	folder string
	files  map[string]file
	pages  map[string]file // by the screen's name
}

// file is a page or an asset, uncompressed and, once requested in that form, also compressed.
type file struct {
	kind, etag string
	plain      []byte
	zipped     func() []byte
}

func newSite() (*site, error) {
	s := &site{files: map[string]file{}, pages: map[string]file{}}
	hash := sha256.New()
	err := fs.WalkDir(files, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".html" {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(body), body)
		s.files[path.Base(name)] = newFile(name, body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	s.folder = "/assets/" + hex.EncodeToString(hash.Sum(nil)[:8]) + "/"
	for _, shown := range screens() {
		if s.pages[shown.Name], err = s.page(shown); err != nil {
			return nil, fmt.Errorf("rendering the page %s: %w", shown.Name, err)
		}
	}
	return s, nil
}

// page inserts a screen into the layout.
func (s *site) page(shown screen) (file, error) {
	layout, err := template.ParseFS(files, "page/layout.html", "page/"+shown.template)
	if err != nil {
		return file{}, err
	}
	var body bytes.Buffer
	err = layout.ExecuteTemplate(&body, "layout.html", map[string]any{"Screen": shown, "Screens": screens(), "Folder": s.folder})
	if err != nil {
		return file{}, err
	}
	return newFile(shown.template, body.Bytes()), nil
}

func newFile(name string, body []byte) file {
	hash := sha256.Sum256(body)
	return file{kindOf(name), hex.EncodeToString(hash[:8]), body, sync.OnceValue(func() []byte { return zip(body) })}
}

func zip(body []byte) []byte {
	var zipped bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is valid
	_, _ = writer.Write(body)                                       // a buffer accepts everything
	_ = writer.Close()
	return zipped.Bytes()
}

// kindOf returns the content type of a file. It doesn't use package mime, whose results depend on the machine.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}

func (s *site) addRoutes(api *httpserver.API) {
	for _, shown := range screens() {
		page, at := s.pages[shown.Name], strings.TrimSuffix(shown.Path, "/")
		if at == "" {
			at = "/{$}"
		}
		api.Mount("GET "+at, func(w http.ResponseWriter, r *http.Request) error {
			header := w.Header()
			header.Set("Content-Security-Policy", policy)
			header.Set("Cross-Origin-Opener-Policy", "same-origin")
			return page.serve(w, r, "no-cache")
		})
	}
	for name, one := range s.files {
		api.Mount("GET "+s.folder+name, func(w http.ResponseWriter, r *http.Request) error {
			return one.serve(w, r, "public, max-age=31536000, immutable")
		})
	}
}

// serve sends the file, or a 304 if the browser has the current version.
func (f file) serve(w http.ResponseWriter, r *http.Request, caching string) error {
	body, etag := f.plain, `"`+f.etag+`"`
	header := w.Header()
	if httpserver.TakesGzip(r.Header) {
		body, etag = f.zipped(), `"`+f.etag+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Cache-Control", caching)
	header.Set("Etag", etag)
	header.Add("Vary", "Accept-Encoding")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if has(r.Header.Get("If-None-Match"), etag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return httpserver.WriteBytes(w, f.kind, body)
}

// has reports whether an If-None-Match header lists etag.
func has(list, etag string) bool {
	for known := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == etag {
			return true
		}
	}
	return false
}
