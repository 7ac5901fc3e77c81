package httpserver

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mvrilo/go-redoc"
	"github.com/swaggest/swgui/v5emb"
)

// docsPolicy lets the documentation pages load files only from their own service. Both viewers use inline scripts and
// styles, and ReDoc builds its search index in a worker created from a blob.
const docsPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; frame-ancestors 'none'"

// AddDocs adds the OpenAPI document and two viewers for it, with all assets embedded. The service's root leads to the
// first of them. Call it after all other routes have been added.
func (a *API) AddDocs() {
	a.mountDocument("GET /openapi.json", "application/json", a.OpenAPI)
	a.mountDocument("GET /openapi.yaml", "application/yaml", a.document.YAML)
	a.AddSwaggerUI("/docs", a.document.Info.Title, "/openapi.json")
	a.addReDoc()
	a.Mount("GET /{$}", func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, "/docs", http.StatusFound)
		return nil
	})
}

// mountDocument adds a route that serves the OpenAPI document in one format. The document is generated on the first
// request, because generating it at startup would account for a third of the CPU time used to start.
func (a *API) mountDocument(pattern, contentType string, generate func() ([]byte, error)) {
	document := sync.OnceValues(generate)
	a.Mount(pattern, func(w http.ResponseWriter, _ *http.Request) error {
		text, err := document()
		if err != nil {
			return fmt.Errorf("generating the OpenAPI document: %w", err)
		}
		return WriteBytes(w, contentType, text)
	})
}

// AddSwaggerUI adds Swagger UI at a path. It shows the OpenAPI document that the same origin serves at the given path.
func (a *API) AddSwaggerUI(path, title, document string) {
	pages := v5emb.New(title, document, path+"/")
	serve := func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		pages.ServeHTTP(w, r)
		return nil
	}
	a.Mount("GET "+path, serve)
	a.Mount("GET "+path+"/{file...}", serve)
}

// reDocPage loads the viewer's script from a file, unlike the library's own page, which contains the whole 1 MB script
// inline.
const reDocPage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{title}} - ReDoc</title><link rel="icon" href="data:,"><style>body{margin:0}</style></head>
<body><div id="main"></div><script src="/redoc/redoc.js"></script>
<script>Redoc.init("/openapi.json", {}, document.getElementById("main"))</script></body>
</html>
`

func (a *API) addReDoc() {
	page := strings.Replace(reDocPage, "{{title}}", html.EscapeString(a.document.Info.Title), 1)
	a.Mount("GET /redoc", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		return WriteBytes(w, "text/html; charset=utf-8", []byte(page))
	})
	a.Mount("GET /redoc/redoc.js", func(w http.ResponseWriter, r *http.Request) error {
		http.ServeContent(w, r, "redoc.js", time.Time{}, strings.NewReader(redoc.JavaScript))
		return nil
	})
}
