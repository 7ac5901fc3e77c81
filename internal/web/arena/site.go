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
	About                 string // in one line
	Path                  string
	Script                string // "" if the page needs none
	template              string
}

func screens() []screen {
	return []screen{
		{Name: "battle", Title: "Battle", About: "Two fighters, a place, and one winner.", Path: "/", Script: "battle.js", template: "battle.html"},
		{Name: "heroes", Title: "Heroes", Singular: "hero", About: "Browse, search and edit the heroes.", Path: "/heroes", Script: "catalog.js", template: "catalog.html"},
		{Name: "villains", Title: "Villains", Singular: "villain", About: "Browse, search and edit the villains.", Path: "/villains", Script: "catalog.js", template: "catalog.html"},
		{Name: "locations", Title: "Locations", Singular: "location", About: "Browse, search and edit the places of the fights.", Path: "/locations", Script: "catalog.js", template: "catalog.html"},
		{Name: "status", Title: "Status", About: "The state of each service.", Path: "/status", Script: "status.js", template: "status.html"},
		{Name: "docs", Title: "API", About: "The documentation of each service’s API.", Path: docsPath, template: "docs.html"},
	}
}

// unknown is the page for paths without a page.
func unknown() screen { return screen{Name: "unknown", Title: "Not found", template: "unknown.html"} }

// site holds the arena's pages and assets. Asset paths contain a hash of all assets, so the asset at a path never
// changes. A browser revalidates a page each time, and gets a 304 if the page is unchanged.
type site struct {
	folder string
	apis   []screen // the pages for the services' APIs
	files  map[string]file
	pages  map[string]file // by the screen's name
}

// file is a page or an asset, uncompressed and, once requested in that form, also compressed.
type file struct {
	kind, etag string
	plain      []byte
	zipped     func() []byte
}

func newSite(apis []screen) (*site, error) {
	s := &site{apis: apis, files: map[string]file{}, pages: map[string]file{}}
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
	for _, shown := range append(screens(), unknown()) {
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
	err = layout.ExecuteTemplate(&body, "layout.html", map[string]any{
		"Screen": shown, "Screens": screens(), "APIs": s.apis, "Folder": s.folder,
	})
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
			protect(w.Header())
			return page.serve(w, r, "no-cache")
		})
	}
	api.MountUnknown(s.serveUnknown)
	for name, one := range s.files {
		api.Mount("GET "+s.folder+name, func(w http.ResponseWriter, r *http.Request) error {
			return one.serve(w, r, "public, max-age=31536000, immutable")
		})
	}
}

// protect adds the headers that every page has, but no other file.
func protect(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// serveUnknown responds to a request whose path has no route: with a page that leads back if a browser opens the path,
// and with a problem otherwise.
func (s *site) serveUnknown(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	header.Add("Vary", "Accept")
	if !opensPage(r) {
		return httpserver.Errorf(http.StatusNotFound, httpserver.UnknownPath)
	}
	page := s.pages[unknown().Name]
	protect(header)
	httpserver.NoStore(w)
	body, _ := page.encode(header, r)
	return httpserver.WriteStatus(w, http.StatusNotFound, page.kind, body)
}

// opensPage reports whether a browser asks for a page, rather than for an asset or something of the API.
func opensPage(r *http.Request) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	return read && top != "api" && top != "assets" && strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// encode returns the file's content in the form that the client prefers, with that form's entity tag. It adds the
// headers that every file has.
func (f file) encode(header http.Header, r *http.Request) (body []byte, etag string) {
	header.Add("Vary", "Accept-Encoding")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if httpserver.TakesGzip(r.Header) {
		header.Set("Content-Encoding", "gzip")
		return f.zipped(), `"` + f.etag + `-gzip"`
	}
	return f.plain, `"` + f.etag + `"`
}

// serve sends the file, or a 304 if the browser has the current version.
func (f file) serve(w http.ResponseWriter, r *http.Request, caching string) error {
	header := w.Header()
	body, etag := f.encode(header, r)
	header.Set("Cache-Control", caching)
	header.Set("Etag", etag)
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
