package arena

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"superheroes/internal/httpserver"
)

// docsPath is the path of the page that lists the services' documentation. Each service's is below it.
const docsPath = "/docs"

// documented returns the API pages of those services behind the gateway that are running here.
func documented(parts map[string]Part) (pages []screen) {
	about := map[string]string{
		"heroes":     "List, search, pick and edit the heroes.",
		"villains":   "List, search, pick and edit the villains.",
		"locations":  "List, search, pick and edit the locations.",
		"fights":     "Start fights, and read the stored ones and their stories.",
		"statistics": "Totals of all fights, at once or as a stream of events.",
	}
	for _, name := range Parts() {
		if parts[name] != nil {
			title := strings.ToUpper(name[:1]) + name[1:]
			pages = append(pages, screen{Name: name, Title: title, About: about[name], Path: docsPath + "/" + name})
		}
	}
	return pages
}

// addDocs adds the documentation of the services' APIs. Each service serves its own, too, but on a port or host that the
// browser may not reach, as with a forwarded port. Here, the page and what it tries out go through the gateway.
func (g *gateway) addDocs(api *httpserver.API) {
	for _, each := range documented(g.parts) {
		document := each.Path + "/openapi.json"
		api.MountForOwnPages("GET "+document, g.document(each.Name))
		api.AddSwaggerUI(each.Path, each.Title, document)
	}
}

// document returns the handler for a service's OpenAPI document, which describes only what the gateway forwards.
func (g *gateway) document(name string) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		request := r.Clone(r.Context())
		request.Method, request.Header = http.MethodGet, http.Header{"Accept": {"application/json"}}
		response := &captured{header: http.Header{}}
		if err := g.pass(response, request, name, &url.URL{Path: "/openapi.json"}, nil); err != nil {
			return err
		}
		document, err := response.document(name)
		if err != nil {
			return httpserver.Errorf(http.StatusBadGateway, "%s returned no OpenAPI document", name).Because(err)
		}
		return httpserver.WriteJSON(w, document)
	}
}

// maxDocument is the maximum size of an OpenAPI document in bytes.
const maxDocument = 1 << 20

// captured is a response writer that keeps the response in memory, up to maxDocument.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *captured) Header() http.Header { return c.header }

func (c *captured) WriteHeader(status int) {
	if c.status == 0 && status >= http.StatusOK {
		c.status = status
	}
}

func (c *captured) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	c.body.Write(p[:min(len(p), maxDocument-c.body.Len())])
	return len(p), nil
}

// document returns the captured OpenAPI document of a service without the paths that the gateway doesn't forward to the
// service. Health checks, for instance, would be those of the arena.
func (c *captured) document(name string) ([]byte, error) {
	if c.status != http.StatusOK {
		return nil, fmt.Errorf("returned %d", c.status)
	}
	var document, paths map[string]jsontext.Value
	err := json.Unmarshal(c.body.Bytes(), &document)
	if err == nil {
		err = json.Unmarshal(document["paths"], &paths)
	}
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(paths, func(path string, _ jsontext.Value) bool { return !forwarded(path, name) })
	if len(paths) == 0 {
		return nil, errors.New("has no path of its API")
	}
	if document["paths"], err = json.Marshal(paths, json.Deterministic(true)); err != nil {
		return nil, err
	}
	return json.Marshal(document, json.Deterministic(true))
}

// forwarded reports whether the gateway forwards a path to a service.
func forwarded(path, name string) bool { return strings.HasPrefix(path+"/", "/api/"+name+"/") }
