package web

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
	"superheroes/internal/narration"
)

type fighters struct {
	Hero    character.Character `json:"hero"`
	Villain character.Character `json:"villain"`
}

type count struct {
	Count int64 `json:"count" minimum:"0" example:"42"`
}

type fightNarration struct {
	Narration string `json:"narration" doc:"Three to five sentences of plain text. They may contain anything that the names contain, such as markup."`
}

// fightSchemas holds the schemas that the operations on fights refer to.
type fightSchemas struct{ fight, fighters, location, count, narration, body *huma.Schema }

func newFightSchemas(api *httpserver.API) fightSchemas {
	nullable := func(ref *huma.Schema) *huma.Schema {
		return &huma.Schema{OneOf: []*huma.Schema{ref, {Type: "null"}}}
	}
	fighter, place := api.Variant("Fighter", character.Character{}, kept), api.Variant("FightLocation", location.Location{}, kept)
	sentFighter, sentPlace := api.Variant("FighterRequest", character.Character{}, sent), api.Variant("FightLocationRequest", location.Location{}, sent)
	return fightSchemas{
		fight: api.Variant("Fight", fight.JSON{}, func(s *huma.Schema) {
			s.Properties["hero"], s.Properties["villain"], s.Properties["location"] = fighter, fighter, nullable(place)
		}),
		fighters:  api.Schema(fighters{}),
		location:  api.Schema(location.Location{}),
		count:     api.Schema(count{}),
		narration: api.Schema(fightNarration{}),
		body: api.Variant("FightRequest", fighters{}, func(s *huma.Schema) {
			s.AdditionalProperties = true
			s.Properties["hero"], s.Properties["villain"], s.Properties["location"] = sentFighter, sentFighter, nullable(sentPlace)
		}),
	}
}

// kept turns the schema of a catalog entry into the schema of that entry within a stored fight, where the id may be
// missing.
func kept(s *huma.Schema) {
	id := s.Properties["id"]
	id.Nullable, id.Description = true, "Null if the fight was posted without an id."
	if kind := s.Properties["type"]; kind != nil {
		kind.Enum, kind.Description = append(kind.Enum, ""), "Empty if the fight was posted without a type."
	}
}

// sent turns the schema of a catalog entry into the schema of that entry in a request.
func sent(s *huma.Schema) {
	s.Required, s.AdditionalProperties = []string{"name"}, true
	s.Description = "Only the name is required; other missing or null fields become empty. Unknown fields are ignored."
	for name, property := range s.Properties {
		property.Nullable = name != "name"
	}
	if kind := s.Properties["type"]; kind != nil {
		kind.Enum = append(kind.Enum, "", nil)
	}
}

// peerProblems returns the documented errors for an operation that calls the catalogs.
func peerProblems() map[int]string {
	return map[int]string{
		http.StatusBadGateway:         "A peer refused, failed or disconnected; the response names it.",
		http.StatusServiceUnavailable: "A peer's catalog is empty or its breaker open, the store can't accept a fight now, or there are too many requests at once; Retry-After says when to retry.",
		http.StatusGatewayTimeout:     "A peer was too slow; the response names it.",
	}
}

// bodyProblems returns the documented errors for an operation with a request body, except for invalid values.
func bodyProblems() map[int]string {
	return map[int]string{
		http.StatusBadRequest:            "The body is not a single well-formed JSON value in UTF-8, has a duplicate key, or is nested more than 32 levels deep.",
		http.StatusRequestTimeout:        "The body did not arrive in time.",
		http.StatusRequestEntityTooLarge: "The body is over 64 KiB.",
		http.StatusUnsupportedMediaType:  "The content type is not JSON, or the body is compressed.",
	}
}

const unreadable = "A stored fight can't be read, because another writer left it incomplete or with wrong types; the response names it."

const storeAway = "The store is unavailable, or there are too many requests at once; Retry-After says when to retry."

func (s fightRoutes) routes(api *httpserver.API) []httpserver.Route {
	schemas, example := newFightSchemas(api), exampleFight()
	stored := func() map[string]*huma.Response {
		return api.Returns("The stored fight.", schemas.fight, example.JSON())
	}
	operation := func(method, id, path, summary string, responses map[string]*huma.Response, problems map[int]string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/fights" + path, Summary: summary, Tags: []string{"fights"},
			Responses: api.Problems(responses, problems)}
	}
	execute := operation(http.MethodGet, "execute-fight", "/execute_fight", "Pick two random fighters and a location, let them fight, and store the fight",
		stored(), peerProblems())
	postProblems := bodyProblems()
	postProblems[http.StatusUnprocessableEntity] = "A value is invalid; the response lists each one."
	postProblems[http.StatusServiceUnavailable] = "The store can't accept the fight now, or there are too many requests at once; Retry-After says when to retry, and the detail says whether the fight may have been stored anyway."
	post := operation(http.MethodPost, "post-fight", "", "Let a given hero and villain fight, and store the fight", stored(), postProblems)
	post.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
		Schema: schemas.body, Example: map[string]any{"hero": example.Hero, "villain": example.Villain, "location": example.Location},
	}}}
	list := operation(http.MethodGet, "list-fights", "", "List stored fights, newest first",
		httpserver.Compressed(api.Returns("The fights. A Link header with rel=next contains the URL of the next page, if there is one.",
			&huma.Schema{Type: "array", Items: schemas.fight}, []fight.JSON{example.JSON()})),
		map[int]string{
			http.StatusUnprocessableEntity: "A parameter is invalid; the response names it.", http.StatusInternalServerError: unreadable,
			http.StatusServiceUnavailable: storeAway,
		})
	list.Responses["200"].Headers["Link"] = &huma.Param{Description: "Relative URL of the next page.", Schema: &huma.Schema{Type: "string"}}
	list.Parameters = []*huma.Param{
		{Name: "limit", In: "query", Description: "Maximum number of fights.",
			Schema: &huma.Schema{Type: "integer", Minimum: new(1.0), Maximum: new(float64(maxFightsLimit)), Default: defaultFightsLimit}},
		{Name: "before", In: "query", Description: "Only fights with a smaller id. A fight with the given id need not exist.",
			Schema: &huma.Schema{Type: "string", Format: "uuid"}},
	}
	compressor := &httpserver.Compressor{}
	serveList := func(w http.ResponseWriter, r *http.Request) error { return s.serveList(w, r, compressor) }
	ofOne := func(id, path, summary string, responses map[string]*huma.Response) huma.Operation {
		one := operation(http.MethodGet, id, "/{id}"+path, summary, responses, map[int]string{
			http.StatusNotFound: "No fight has this id.", http.StatusUnprocessableEntity: "The id is not a UUID.",
			http.StatusInternalServerError: unreadable, http.StatusServiceUnavailable: storeAway,
		})
		one.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string", Format: "uuid"}}}
		return one
	}
	return []httpserver.Route{
		{Kind: httpserver.Fights, Serve: s.serveExecute, Operation: execute, Stores: true},
		{Kind: httpserver.Fights, Serve: s.servePost, Operation: post},
		{Kind: httpserver.Lists, Serve: serveList, Operation: list},
		{Serve: s.serveOne, Operation: ofOne("get-fight", "", "Get a fight", stored())},
		{Serve: s.serveNarration, Operation: ofOne("narrate-fight", "/narration", "Tell the story of a fight, always in the same words",
			api.Returns("The story.", schemas.narration, fightNarration{narration.Of(example)}))},
		{Kind: httpserver.Fights, Serve: s.serveFighters, Operation: operation(http.MethodGet, "random-fighters", "/randomfighters", "Pick a random hero and a random villain",
			api.Returns("The hero and the villain.", schemas.fighters, fighters{example.Hero, example.Villain}), peerProblems())},
		{Kind: httpserver.Fights, Serve: s.serveLocation, Operation: operation(http.MethodGet, "random-location", "/randomlocation", "Pick a random location",
			api.Returns("The location.", schemas.location, example.Location), peerProblems())},
		{Kind: httpserver.Searches, Serve: s.serveCount, Operation: operation(http.MethodGet, "count-fights", "/count", "Count the stored fights exactly, including any that can't be read",
			api.Returns("The number of fights.", schemas.count, count{42}), map[int]string{http.StatusServiceUnavailable: storeAway})},
	}
}

func exampleFight() fight.Fight {
	id, _ := fight.ParseID("0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e") // the id is well-formed
	place := location.Locations().Example
	return fight.Decide(id, time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), character.Heroes().Example, character.Villains().Example, &place)
}
