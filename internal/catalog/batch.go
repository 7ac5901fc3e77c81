package catalog

import (
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/httpserver"
)

// MaxBatch is how many items can be drawn with one request.
const MaxBatch = 128

// AgeHeader tells how old the oldest item of a batch was when it was drawn, in whole milliseconds, rounded up. HTTP's own
// Age counts seconds, which is as much as a pick may have.
const AgeHeader = "X-Age-Ms"

func countParameter() *huma.Param {
	return &huma.Param{Name: "count", In: "query",
		Description: "For other services of the application: draw so many, each independently of the others, and answer an array of them, of one too.",
		Schema:      &huma.Schema{Type: "integer", Minimum: new(1.0), Maximum: new(float64(MaxBatch))}}
}

// returnsBatch adds to the responses with one item what count makes of them.
func returnsBatch(responses map[string]*huma.Response, item *huma.Schema) map[string]*huma.Response {
	good := responses["200"]
	good.Description += " With count an array of so many; of fewer where the next one can't be read."
	good.Headers = map[string]*huma.Param{AgeHeader: {
		Description: "With count: how old the oldest of them was when it was drawn, in milliseconds. An item must not be used when it is older than " +
			strconv.FormatInt(MaxAge.Milliseconds(), 10) + ".",
		Schema: &huma.Schema{Type: "integer", Minimum: new(0.0)},
	}}
	content := good.Content["application/json"]
	content.Schema = &huma.Schema{OneOf: []*huma.Schema{item, {Type: "array", Items: item}}}
	return responses
}

func (s *Service[T]) serveBatch(w http.ResponseWriter, r *http.Request, n int) error {
	array, age, err := s.RandomBatch(r.Context(), n)
	if err != nil {
		return problemOf(s.Kind.Singular, err)
	}
	w.Header().Set(AgeHeader, strconv.FormatInt((age+time.Millisecond-1).Milliseconds(), 10))
	httpserver.NoStore(w)
	return httpserver.WriteJSON(w, array)
}
