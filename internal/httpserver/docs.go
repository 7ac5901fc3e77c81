package httpserver

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/mvrilo/go-redoc"
	"github.com/swaggest/swgui/v5emb"
)

// docsPolicy lets the documentation pages load from their own service only. Both viewers use inline scripts and
// styles; ReDoc indexes its search in a worker made from a blob.
const docsPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; frame-ancestors 'none'"

// AddDocs adds the OpenAPI document, and the two pages that show it with nothing but this binary's own assets.
// Call it after every other route is added.
func (a *API) AddDocs() error {
	asJSON, err := a.OpenAPI()
	if err != nil {
		return fmt.Errorf("making the OpenAPI document: %w", err)
	}
	asYAML, err := a.document.YAML()
	if err != nil {
		return fmt.Errorf("making the OpenAPI document: %w", err)
	}
	a.handle("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) error {
		return WriteJSON(w, asJSON)
	})
	a.handle("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) error {
		return WriteBytes(w, "application/yaml", asYAML)
	})
	a.addSwaggerUI()
	return a.addReDoc()
}

func (a *API) addSwaggerUI() {
	pages := v5emb.New(a.document.Info.Title, "/openapi.json", "/docs/")
	serve := func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		pages.ServeHTTP(w, r)
		return nil
	}
	a.handle("GET /docs", serve)
	a.handle("GET /docs/{file...}", serve)
}

// reDocPage is a template that loads the viewer as a file: the library's own page has its megabyte inline.
const reDocPage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.}} - ReDoc</title><link rel="icon" href="data:,"><style>body{margin:0}</style></head>
<body><div id="main"></div><script src="/redoc/redoc.js"></script>
<script>Redoc.init("/openapi.json", {}, document.getElementById("main"))</script></body>
</html>
`

func (a *API) addReDoc() error {
	page, shown := new(bytes.Buffer), template.Must(template.New("redoc").Parse(reDocPage))
	if err := shown.Execute(page, a.document.Info.Title); err != nil {
		return fmt.Errorf("making the ReDoc page: %w", err)
	}
	a.handle("GET /redoc", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		return WriteBytes(w, "text/html; charset=utf-8", page.Bytes())
	})
	a.handle("GET /redoc/redoc.js", func(w http.ResponseWriter, r *http.Request) error {
		http.ServeContent(w, r, "redoc.js", time.Time{}, strings.NewReader(redoc.JavaScript))
		return nil
	})
	return nil
}
