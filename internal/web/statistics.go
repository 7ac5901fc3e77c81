package web

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/statistics"
)

func (s *statisticsRoutes) serveStatistics(w http.ResponseWriter, r *http.Request) error {
	latest, err := s.Current(r.Context())
	if err != nil {
		return httpserver.StoreProblem(err)
	}
	w.Header().Set("Cache-Control", "no-cache")
	return httpserver.WriteJSON(w, latest.JSON)
}

// statisticsDocument describes the JSON of the statistics for the OpenAPI document. AppendJSON writes the same JSON,
// and a test checks that the two match.
type statisticsDocument struct {
	Total      int64            `json:"total" minimum:"0" doc:"Number of stored fights: the sum of heroes, villains and unreadable." example:"42"`
	Heroes     int64            `json:"heroes" minimum:"0" doc:"Fights won by heroes." example:"20"`
	Villains   int64            `json:"villains" minimum:"0" doc:"Fights won by villains." example:"22"`
	Unreadable int64            `json:"unreadable,omitempty" minimum:"1" doc:"Stored fights that can't be read, because another writer omitted a value or used another type. Missing if there are none."`
	Since      *time.Time       `json:"since" doc:"When the first of these fights took place; null if there are none."`
	TopWinners []winnerDocument `json:"top_winners" nullable:"false" doc:"Sorted by wins, most first, then by name and team."`
	Locations  []placeDocument  `json:"locations" nullable:"false" doc:"Sorted by number of fights, most first, then by name."`
}

type winnerDocument struct {
	Name string     `json:"name" example:"Yoda"`
	Team fight.Team `json:"team" enum:"heroes,villains"`
	Wins int64      `json:"wins" minimum:"1" example:"7"`
}

type placeDocument struct {
	Name   string `json:"name" example:"Gotham City"`
	Fights int64  `json:"fights" minimum:"1" example:"5"`
}

func exampleDocument() statisticsDocument {
	since := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	return statisticsDocument{
		Total: 42, Heroes: 20, Villains: 22, Since: &since,
		TopWinners: []winnerDocument{{"Yoda", fight.Heroes, 7}, {"Thanos", fight.Villains, 5}},
		Locations:  []placeDocument{{"Gotham City", 5}},
	}
}

// StatisticsLimits limits the number of streams.
type StatisticsLimits struct {
	MaxStreams int `default:"5000" help:"Maximum open streams; one client address gets at most three quarters of them."`
}

// AddStatistics declares the operations on statistics. endStreams ends all open streams, and makes any later stream end
// at once. endStreams may be called more than once.
func AddStatistics(service *statistics.Service, api *httpserver.API, limits StatisticsLimits) (endStreams func()) {
	routes := newStatisticsRoutes(service)
	routes.addTo(api, limits)
	return routes.end
}

func (s *statisticsRoutes) addTo(api *httpserver.API, limits StatisticsLimits) {
	schema := api.Variant("Statistics", statisticsDocument{}, func(s *huma.Schema) {
		s.Properties["since"].Nullable = true
	})
	away := map[int]string{http.StatusServiceUnavailable: storeAway}
	get := huma.Operation{
		OperationID: "get-statistics", Method: http.MethodGet, Path: "/api/statistics", Summary: "Get totals of all fights",
		Description: "Every stored fight is counted exactly once, within a second of the response that confirms it.",
		Tags:        []string{"statistics"},
		Responses:   api.Problems(api.Returns("The statistics.", schema, exampleDocument()), away),
	}
	full := map[int]string{http.StatusServiceUnavailable: "The store is unavailable, or there are too many open streams; Retry-After says when to retry."}
	stream := huma.Operation{
		OperationID: "stream-statistics", Method: http.MethodGet, Path: "/api/statistics/stream", Summary: "Stream the totals whenever they change",
		Description: "Server-sent events: the current totals immediately, then again within a second of each change. " +
			"There are at most four events per second. The data of each event is the JSON of /api/statistics, on one line. " +
			"Lines that begin with a colon keep the connection alive. A client that does not read is dropped.",
		Tags: []string{"statistics"},
		Responses: api.Problems(map[string]*huma.Response{"200": {
			Description: "Events until either side closes the stream.",
			Content: map[string]*huma.MediaType{"text/event-stream": {
				Schema: &huma.Schema{Type: "string"}, Example: "data: {\"total\":42}\n\n",
			}},
		}}, full),
	}
	api.Handle(httpserver.Route{Operation: get, Serve: s.serveStatistics})
	api.Handle(httpserver.Route{Kind: httpserver.Streams, Limit: limits.MaxStreams, Operation: stream, Serve: s.serveStream})
}
