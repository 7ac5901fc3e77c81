package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
	"superheroes/internal/narration"
	"superheroes/internal/storage"
)

const (
	maxFightsLimit     = 100
	defaultFightsLimit = 20
)

// Initial buffer sizes in bytes, large enough for most pairs of fighters and most locations.
const (
	usualPair  = 1024
	usualPlace = 512
)

// fightRoutes holds the operations on fights. The documentation of the operations is in fightdocument.go.
type fightRoutes struct{ *fight.Service }

// AddFights declares the operations on fights.
func AddFights(service *fight.Service, api *httpserver.API) {
	for _, route := range (fightRoutes{service}).routes(api) {
		api.Handle(route)
	}
}

func (s fightRoutes) serveFighters(w http.ResponseWriter, r *http.Request) error {
	picks, err := s.Pick(r.Context(), false)
	if err != nil {
		return peerProblem(r.Context(), err)
	}
	body := picks.Hero.AppendJSON(append(make([]byte, 0, usualPair), `{"hero":`...))
	body = picks.Villain.AppendJSON(append(body, `,"villain":`...))
	httpserver.NoStore(w)
	return httpserver.WriteJSON(w, append(body, '}'))
}

func (s fightRoutes) serveLocation(w http.ResponseWriter, r *http.Request) error {
	place, err := s.Location(r.Context())
	if err != nil {
		return peerProblem(r.Context(), err)
	}
	httpserver.NoStore(w)
	return httpserver.WriteJSON(w, place.AppendJSON(make([]byte, 0, usualPlace)))
}

// serveExecute executes and stores a fight. It is a GET for compatibility with the other implementations, but refuses
// HEAD, which must not change anything.
func (s fightRoutes) serveExecute(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		problem := httpserver.Errorf(http.StatusMethodNotAllowed, "this path supports GET")
		problem.Allow = http.MethodGet
		return problem
	}
	picks, err := s.Pick(r.Context(), true)
	if err != nil {
		return peerProblem(r.Context(), err)
	}
	fight, err := s.Perform(r.Context(), picks.Hero, picks.Villain, &picks.Location)
	return writeFight(w, fight, err)
}

// fightBody is the request body of a posted fight.
type fightBody struct {
	Hero     *character.Character `json:"hero"`
	Villain  *character.Character `json:"villain"`
	Location *location.Location   `json:"location"`
}

func (s fightRoutes) servePost(w http.ResponseWriter, r *http.Request) error {
	var posted fightBody
	if err := httpserver.DecodeBody(r, &posted); err != nil {
		return err
	}
	if err := posted.check(); err != nil {
		return err
	}
	fight, err := s.Perform(r.Context(), *posted.Hero, *posted.Villain, posted.Location)
	return writeFight(w, fight, err)
}

// check returns a problem that lists every invalid field.
func (b fightBody) check() error {
	var wrong []httpserver.Place
	refuse := func(location, message string) {
		wrong = append(wrong, httpserver.Place{Location: "body." + location, Message: message})
	}
	at := func(part string) func(field, message string) {
		return func(field, message string) { refuse(part+"."+field, message) }
	}
	for _, side := range []struct {
		part    string
		fighter *character.Character
	}{{"hero", b.Hero}, {"villain", b.Villain}} {
		if side.fighter == nil {
			refuse(side.part, "is missing")
			continue
		}
		side.fighter.Check(at(side.part))
	}
	if b.Location != nil {
		b.Location.CheckGiven(at("location"))
	}
	if len(wrong) > 0 {
		return httpserver.Invalid(wrong...)
	}
	return nil
}

// writeFight sends an encoded fight, or the problem for err.
func writeFight(w http.ResponseWriter, body []byte, err error) error {
	switch {
	case err == nil:
	case errors.Is(err, fight.ErrMaybeStored):
		return httpserver.StoreProblem(err, "it did not confirm the fight, which may have been stored all the same")
	default:
		return httpserver.StoreProblem(err, "the fight was not stored")
	}
	httpserver.NoStore(w)
	return httpserver.WriteJSON(w, body)
}

func (s fightRoutes) serveList(w http.ResponseWriter, r *http.Request, compressor *httpserver.Compressor) error {
	query := httpserver.QueryOf(r)
	limit := int(query.Int("limit", 1, maxFightsLimit, defaultFightsLimit))
	before := fight.MaxID()
	if text, given := query.Text("before"); given {
		var err error
		if before, err = fight.ParseID(text); err != nil {
			query.Refuse("before", err.Error())
		}
	}
	if err := query.Err(); err != nil {
		return err
	}
	fights, err := s.Page(r.Context(), before, limit+1) // one extra, to see whether there is a next page
	more := len(fights) > limit
	if len(fights) == limit && errors.As(err, new(*storage.RowError)) { // only the extra fight is unreadable
		more, err = true, nil
	}
	if err != nil {
		return fightProblem(err)
	}
	if more {
		fights = fights[:limit]
		w.Header().Set("Link", fmt.Sprintf(`</api/fights?limit=%d&before=%s>; rel="next"`, limit, fights[limit-1].ID))
	}
	list := []byte{'['}
	for i, fight := range fights {
		if i > 0 {
			list = append(list, ',')
		}
		list = fight.AppendJSON(list)
	}
	return httpserver.WriteList(w, r, compressor, append(list, ']'))
}

func (s fightRoutes) serveOne(w http.ResponseWriter, r *http.Request) error {
	fight, err := s.stored(r)
	if err != nil {
		return err
	}
	return httpserver.WriteJSON(w, fight.AppendJSON(nil))
}

func (s fightRoutes) serveNarration(w http.ResponseWriter, r *http.Request) error {
	fight, err := s.stored(r)
	if err != nil {
		return err
	}
	body := catalog.AppendString([]byte(`{"narration":`), narration.Of(fight))
	return httpserver.WriteJSON(w, append(body, '}'))
}

// stored returns the stored fight that the request's path names, or a problem.
func (s fightRoutes) stored(r *http.Request) (fight.Fight, error) {
	id, err := fight.ParseID(r.PathValue("id"))
	if err != nil {
		return fight.Fight{}, httpserver.Invalid(httpserver.Place{Location: "path.id", Message: err.Error()})
	}
	found, err := s.Get(r.Context(), id)
	if err != nil {
		return fight.Fight{}, fightProblem(err)
	}
	return found, nil
}

func (s fightRoutes) serveCount(w http.ResponseWriter, r *http.Request) error {
	n, err := s.Count(r.Context())
	if err != nil {
		return fightProblem(err)
	}
	return writeCount(w, n)
}

func writeCount(w http.ResponseWriter, n int64) error {
	return httpserver.WriteJSON(w, append(strconv.AppendInt([]byte(`{"count":`), n, 10), '}'))
}

// fightProblem turns an error from reading a fight into a problem.
func fightProblem(err error) error {
	if errors.Is(err, fight.ErrNotFound) {
		return httpserver.Errorf(http.StatusNotFound, "there is no fight with this id")
	}
	return httpserver.StoreProblem(err)
}
