// Package web declares the HTTP operations on catalogs, fights and statistics, each with its documentation and its
// handler. Paths, bodies and statuses are part of the API contract. The package depends on the services and the HTTP
// server; no service depends on it.
package web

import (
	"errors"
	"math"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/httpserver"
)

// maxCatalogLimit is the largest page size that a client can request.
const maxCatalogLimit = 1000

// catalogRoutes holds the operations on a catalog.
type catalogRoutes[T catalog.Item] struct{ *catalog.Service[T] }

// AddCatalog declares the operations on a catalog. Operations that change the catalog require the administrator's
// token.
func AddCatalog[T catalog.Item](service *catalog.Service[T], api *httpserver.API, admin *httpserver.Admin) {
	catalogRoutes[T]{service}.addTo(api, admin)
}

func (s catalogRoutes[T]) addTo(api *httpserver.API, admin *httpserver.Admin) {
	singular, plural, compressor := s.Kind.Singular, s.Kind.Plural, &httpserver.Compressor{}
	item := api.Schema(s.Kind.Example)
	id := &huma.Param{Name: "id", In: "path", Required: true, Description: "A plain decimal integer.",
		Schema: &huma.Schema{Type: "integer", Format: "int64", Minimum: new(1.0)}}
	get := func(operation, path, summary string, responses map[string]*huma.Response, parameters ...*huma.Param) huma.Operation {
		return huma.Operation{OperationID: operation, Method: http.MethodGet, Path: "/api/" + plural + path, Tags: []string{plural},
			Summary: summary, Responses: responses, Parameters: parameters}
	}
	returnsItem := func(problems map[int]string) map[string]*huma.Response {
		problems[http.StatusServiceUnavailable] = storeAway
		return api.Problems(api.Returns("The "+singular+".", item, s.Kind.Example), problems)
	}

	list := get("list-"+plural, "", "List all "+plural+" in order of id, or one page of the list", api.Problems(
		httpserver.Compressed(api.Returns("The "+plural+", in order of id.", &huma.Schema{Type: "array", Items: item}, []T{s.Kind.Example})),
		map[int]string{
			http.StatusUnprocessableEntity: "A parameter is invalid; the response names it.",
			http.StatusServiceUnavailable:  storeAway,
		}), listParameters()...)
	list.Description = "Without limit, the whole catalog is streamed. A truncated response means that the list is incomplete."
	serveList := func(w http.ResponseWriter, r *http.Request) error { return s.serveList(w, r, compressor) }
	api.Handle(httpserver.Route{Kind: httpserver.Lists, Serve: serveList, Operation: list})

	total := get("count-"+plural, "/count", "Count the "+plural, api.Problems(
		api.Returns("The number of "+plural+". Changes made by other processes may be missing for a second.", api.Schema(count{}), count{42}),
		map[int]string{
			http.StatusUnprocessableEntity: "The parameter is invalid.",
			http.StatusServiceUnavailable:  storeAway,
		}), afterParameter())
	api.Handle(httpserver.Route{Serve: s.serveCount, Operation: total}) // no table scan: it uses the ids in memory

	empty := func() map[int]string { return map[int]string{http.StatusNotFound: "The catalog is empty."} }
	random, summary := "random-"+singular, "Pick a random "+singular
	api.Handle(httpserver.Route{Kind: httpserver.Fights, Serve: s.serveRandom,
		Operation: get(random, "/random_"+singular, summary, returnsItem(empty()))})
	api.Handle(httpserver.Route{Kind: httpserver.Fights, Serve: s.serveRandom,
		Operation: get(random+"-alias", "/random", summary+" (alias)", returnsItem(empty()))})
	api.Handle(s.picksRoute(api))

	tagged := func() map[string]*huma.Response {
		responses := returnsItem(map[int]string{http.StatusNotFound: "No such id.", http.StatusUnprocessableEntity: "The id is malformed."})
		responses["200"].Headers = etagHeader()
		responses["304"] = &huma.Response{Description: "The client already has the current version, according to If-None-Match.", Headers: etagHeader()}
		return responses
	}
	api.Handle(httpserver.Route{Serve: s.serveOne, Operation: get("get-"+singular, "/{id}", "Get a "+singular, tagged(), id, ifNoneMatch())})
	emblem := tagged()
	emblem["200"] = &huma.Response{Description: "The emblem.", Headers: etagHeader(),
		Content: map[string]*huma.MediaType{"image/svg+xml": {
			Schema: &huma.Schema{Type: "string"}, Example: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240"></svg>`,
		}}}
	servePicture := func(w http.ResponseWriter, r *http.Request) error { return s.servePicture(w, r, compressor) }
	api.Handle(httpserver.Route{Serve: servePicture, Operation: get("picture-of-"+singular, "/{id}/picture.svg",
		"Get an emblem drawn from the entry", httpserver.Compressed(emblem), id, ifNoneMatch())})
	s.addEditRoutes(api, admin, id)
}

func listParameters() []*huma.Param {
	return []*huma.Param{
		{Name: "limit", In: "query", Description: "Maximum number of entries.",
			Schema: &huma.Schema{Type: "integer", Minimum: new(1.0), Maximum: new(float64(maxCatalogLimit))}},
		afterParameter(),
		{Name: "name", In: "query", Description: "Only entries whose name contains this text. Case is ignored, accents are not; % and _ have no special meaning.",
			Schema: &huma.Schema{Type: "string"}},
	}
}

func afterParameter() *huma.Param {
	return &huma.Param{Name: "after", In: "query", Description: "Only entries with an id above this one.",
		Schema: &huma.Schema{Type: "integer", Format: "int64", Minimum: new(0.0)}}
}

func (s catalogRoutes[T]) serveList(w http.ResponseWriter, r *http.Request, compressor *httpserver.Compressor) error {
	query := httpserver.QueryOf(r)
	sel := catalog.Selection{Limit: query.Int("limit", 1, maxCatalogLimit, 0), After: query.Int("after", 0, math.MaxInt64, 0)}
	sel.Name, _ = query.Text("name")
	if err := query.Err(); err != nil {
		return err
	}
	list := httpserver.NewList(w, r, compressor)
	body, begun := []byte{'['}, false
	for page, err := range s.Pages(sel, list.Step) {
		if err != nil {
			return catalogProblem(s.Kind.Singular, err)
		}
		for _, item := range page {
			if begun {
				body = append(body, ',')
			}
			body, begun = item.AppendJSON(body), true
		}
		if len(body) < flushSize {
			continue
		}
		if err := list.Write(body); err != nil {
			return nil // the client is gone, or the request is a HEAD
		}
		body = body[:0]
	}
	_ = list.End(append(body, ']'))
	return nil
}

// flushSize is how many bytes of a list are buffered before they are sent.
const flushSize = 64 << 10

func (s catalogRoutes[T]) serveCount(w http.ResponseWriter, r *http.Request) error {
	query := httpserver.QueryOf(r)
	after := query.Int("after", 0, math.MaxInt64, 0)
	if err := query.Err(); err != nil {
		return err
	}
	n, err := s.Count(r.Context(), after)
	if err != nil {
		return catalogProblem(s.Kind.Singular, err)
	}
	return writeCount(w, int64(n))
}

// serveRandom picks one item. The undocumented ?count= parameter supports older versions of other services; batches now
// have their own path.
func (s catalogRoutes[T]) serveRandom(w http.ResponseWriter, r *http.Request) error {
	query := httpserver.QueryOf(r)
	count := query.Int("count", 1, catalog.MaxBatch, 0)
	if err := query.Err(); err != nil {
		return err
	}
	if count > 0 {
		return s.serveBatch(w, r, int(count))
	}
	body, err := s.RandomJSON(r.Context())
	if err != nil {
		return catalogProblem(s.Kind.Singular, err)
	}
	httpserver.NoStore(w)
	return httpserver.WriteJSON(w, body)
}

func (s catalogRoutes[T]) serveOne(w http.ResponseWriter, r *http.Request) error {
	item, err := s.find(r)
	if err != nil {
		return err
	}
	return httpserver.WriteTagged(w, r, "application/json", item.AppendJSON(nil))
}

func (s catalogRoutes[T]) servePicture(w http.ResponseWriter, r *http.Request, compressor *httpserver.Compressor) error {
	item, err := s.find(r)
	if err != nil {
		return err
	}
	// An SVG opened by itself is a document that could run scripts, so allow only drawing.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	return compressor.WriteTagged(w, r, "image/svg+xml", s.Kind.Emblem(item))
}

// find returns the item whose id is in the path.
func (s catalogRoutes[T]) find(r *http.Request) (T, error) {
	id, err := httpserver.PathID(r)
	if err != nil {
		var none T
		return none, err
	}
	item, err := s.Get(r.Context(), id)
	if err != nil {
		return item, catalogProblem(s.Kind.Singular, err)
	}
	return item, nil
}

// catalogProblem turns an error from the service into a problem. Unknown errors are treated as store errors.
func catalogProblem(singular string, err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return httpserver.Errorf(http.StatusNotFound, "there is no %s with this id", singular)
	case errors.Is(err, catalog.ErrEmpty):
		return httpserver.Errorf(http.StatusNotFound, "there is no %s yet", singular)
	case errors.Is(err, catalog.ErrUnfinished):
		return httpserver.Unavailable("%v; ask for fewer rows with limit and after", catalog.ErrUnfinished).Because(err)
	}
	return httpserver.StoreProblem(err)
}
