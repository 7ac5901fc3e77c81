package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/httpserver"
)

// picksRoute is the route on which other services request random picks. The route has its own path, so that the random
// paths always return a single object.
func (s catalogRoutes[T]) picksRoute(api *httpserver.API) httpserver.Route {
	plural := s.Kind.Plural
	responses := api.Returns("The picks: as many as requested, or fewer if the next one can't be read; none if the catalog is empty.",
		&huma.Schema{Type: "array", Items: api.Schema(s.Kind.Example)}, []T{s.Kind.Example})
	responses["200"].Headers = map[string]*huma.Param{httpserver.AgeHeader: {
		Description: fmt.Sprintf("Age of the oldest pick at the time of the response, in milliseconds. "+
			"A pick must not be used once its age exceeds %d ms.", catalog.MaxAge.Milliseconds()),
		Schema: &huma.Schema{Type: "integer", Minimum: new(0.0)},
	}}
	return httpserver.Route{Kind: httpserver.Fights, Serve: s.servePicks, Operation: huma.Operation{
		OperationID: "pick-" + plural, Method: http.MethodGet, Path: "/api/" + plural + "/picks", Tags: []string{plural},
		Summary: "Pick several random " + plural + ", independently of each other; for other services of the application",
		Parameters: []*huma.Param{{Name: "count", In: "query", Description: "Number of picks.",
			Schema: &huma.Schema{Type: "integer", Minimum: new(1.0), Maximum: new(float64(catalog.MaxBatch)), Default: 1}}},
		Responses: api.Problems(responses, map[int]string{
			http.StatusUnprocessableEntity: "The count is invalid.",
			http.StatusServiceUnavailable:  "The store is unavailable; Retry-After says when to retry.",
		}),
	}}
}

// servePicks sends an empty array for an empty catalog, because a 404 would mean that the peer doesn't have this path.
func (s catalogRoutes[T]) servePicks(w http.ResponseWriter, r *http.Request) error {
	query := httpserver.QueryOf(r)
	count := query.Int("count", 1, catalog.MaxBatch, 1)
	if err := query.Err(); err != nil {
		return err
	}
	array, age, err := s.RandomBatch(r.Context(), int(count))
	if errors.Is(err, catalog.ErrEmpty) {
		array, age, err = []byte("[]"), 0, nil
	}
	return s.writeBatch(w, array, age, err)
}

// serveBatch serves ?count= on the random paths, where older versions of other services request picks.
func (s catalogRoutes[T]) serveBatch(w http.ResponseWriter, r *http.Request, n int) error {
	array, age, err := s.RandomBatch(r.Context(), n)
	return s.writeBatch(w, array, age, err)
}

func (s catalogRoutes[T]) writeBatch(w http.ResponseWriter, array []byte, age time.Duration, err error) error {
	if err != nil {
		return catalogProblem(s.Kind.Singular, err)
	}
	w.Header().Set(httpserver.AgeHeader, strconv.FormatInt((age+time.Millisecond-1).Milliseconds(), 10))
	httpserver.NoStore(w)
	return httpserver.WriteJSON(w, array)
}
