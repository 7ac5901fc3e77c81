package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/test/engines"
)

type object = map[string]any

// relative is a fake of another member of the family.
type relative struct {
	mux           *http.ServeMux
	hero, villain object
	place         object
	camel         bool
	heroWins      func(n int) bool // decides the n-th fight
	store         func(n int, fight object)
	required      []string // fields of a hero, villain or location that must not be missing in a request, such as hero.id

	mu     sync.Mutex
	fights []object
}

func newRelative() *relative {
	r := &relative{
		mux:     http.NewServeMux(),
		hero:    object{"name": "Yodé", "level": 11, "picture": "h.jpg", "powers": "a"},
		villain: object{"name": "Thanos", "level": 7, "picture": "v.jpg", "powers": "b"},
		place:   object{"name": "Gotham City", "description": "dark", "picture": "l.jpg"},
		store:   func(int, object) {},
	}
	r.get("/api/fights/randomfighters", func(url.Values) any { return object{"hero": r.hero, "villain": r.villain} })
	r.get("/api/fights/randomlocation", func(url.Values) any { return r.place })
	r.mux.HandleFunc("POST /api/fights", r.post)
	return r
}

// get adds a path that responds with JSON.
func (r *relative) get(path string, response func(url.Values) any) {
	r.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, request *http.Request) { answer(w, response(request.URL.Query())) })
}

func (r *relative) post(w http.ResponseWriter, request *http.Request) {
	var sent map[string]object
	err := json.NewDecoder(request.Body).Decode(&sent)
	for _, path := range r.required {
		if part, field, _ := strings.Cut(path, "."); err != nil || sent[part][field] == nil {
			http.Error(w, "missing field "+path, http.StatusUnprocessableEntity)
			return
		}
	}
	answer(w, r.fight(sent["hero"], sent["villain"], sent["location"]))
}

// fight decides a fight, stores it and returns it.
func (r *relative) fight(hero, villain, place object) object {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.fights) + 1
	winner, loser, teams := villain, hero, []string{"villains", "heroes"}
	if r.heroWins(n) {
		winner, loser = hero, villain
		slices.Reverse(teams)
	}
	fight := object{"id": fmt.Sprintf("%024x", n), "location": object{"name": place["name"]}}
	fields := object{
		"winner_name": winner["name"], "winner_level": winner["level"], "winner_team": teams[0],
		"loser_name": loser["name"], "loser_level": loser["level"], "loser_team": teams[1],
	}
	for field, value := range fields {
		if before, after, _ := strings.Cut(field, "_"); r.camel {
			field = before + strings.ToUpper(after[:1]) + after[1:]
		}
		fight[field] = value
	}
	r.fights = append(r.fights, fight)
	r.store(n, fight)
	return fight
}

func (r *relative) start(t *testing.T) Target {
	t.Helper()
	server := httptest.NewServer(r.mux)
	t.Cleanup(server.Close)
	return Target{Name: "relative", URLs: map[Service]string{"": server.URL}}
}

// rust behaves like the Rust member.
func rust() *relative {
	r := newRelative()
	r.camel, r.heroWins = true, func(n int) bool { return n%2 == 0 }
	r.hero["id"], r.hero["otherName"], r.villain["otherName"], r.place["type"] = 1, nil, nil, 0
	r.required = []string{"hero.id", "hero.powers", "villain.picture", "location.description"}
	r.get("/api/heroes/random_hero", func(url.Values) any { return r.hero })
	r.get("/api/villains/random_villain", func(url.Values) any { return r.villain })
	return r
}

// python behaves like the Python member, which stores nothing.
func python() *relative {
	r := newRelative()
	r.heroWins = func(int) bool { return true }
	r.hero["id"], r.hero["othername"], r.place["id"], r.place["type"] = 1, "", 1, "CITY"
	r.get("/api/heroes/random_hero", func(url.Values) any { return r.hero })
	r.get("/api/locations/random_location", func(url.Values) any { return r.place })
	r.get("/api/fights/execute_fight", func(url.Values) any { return r.fight(r.hero, r.villain, r.place) })
	return r
}

// quarkus behaves like the Quarkus member, which lists by page the fights for which keep returns true.
func quarkus(keep func(n int) bool) *relative {
	r := newRelative()
	r.camel, r.heroWins = true, func(n int) bool { return n%4 > 0 }
	r.required = []string{"hero.name", "hero.picture", "villain.picture"}
	kept := []object{{"id": "1"}, {"id": "2"}, {"id": "3"}} // those that it starts with
	for i := range 2 * pageSize {
		kept = append(kept, object{"id": fmt.Sprint(i)})
	}
	r.store = func(n int, fight object) {
		if keep(n) {
			kept = append(kept, fight)
		}
	}
	r.get("/api/heroes/random", func(url.Values) any { return r.hero })
	r.get("/api/fights", func(query url.Values) any {
		r.mu.Lock()
		defer r.mu.Unlock()
		page, _ := strconv.Atoi(query.Get("page"))
		size, err := strconv.Atoi(query.Get("size"))
		if err != nil {
			size = 20
		}
		to := max(0, len(kept)-page*size)
		newest := slices.Clone(kept[max(0, to-size):to])
		slices.Reverse(newest)
		return newest
	})
	r.mux.HandleFunc("GET /api/fights/{id}", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "invalid\nObjectId", http.StatusInternalServerError)
	})
	return r
}

func always(int) bool { return true }

// locations starts a server that accepts only HTTP/2, as gRPC servers do, and returns its base URL.
func locations(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00")) // an empty SETTINGS frame
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestMembers measures each of the other members, and checks what the report says about it.
func TestMembers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		relative *relative
		mix      string
		verdict  string
		notes    []string
		silent   string
	}{
		{"Rust", rust(), "family,random_villain", "UNCHECKED", []string{"the API of relative: camelCase, chance has a say in who wins, /api/villains/random_villain", "were not won by level"}, "counted by"},
		{"Python", python(), "family,execute_fight,random_location", "UNCHECKED", []string{"snake_case, the level decides who wins, /api/locations/random_location"}, "not won by level"},
		{"Quarkus", quarkus(always), "family,random_hero", "VALID", []string{"camelCase, chance has a say in who wins, /api/heroes/random", "counted by /api/fights?page="}, ""},
		{"Quarkus without fights", quarkus(always), "random_hero,randomfighters", "VALID", []string{"the API of relative: /api/heroes/random"}, "chance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			target := c.relative.start(t)
			if c.name != "Python" {
				target.URLs[Locations] = locations(t)
			}
			report, err := Members(t.Context(), quick(t, c.mix, target))
			if err != nil {
				t.Fatal(err)
			}
			run := report.Series[0].Members[0].Runs[0]
			if run.Void = slices.DeleteFunc(run.Void, ofTheMachine); len(run.Void) > 0 {
				t.Errorf("void: %q", run.Void)
			}
			if verdict := report.verdict(); !report.Void && !strings.HasPrefix(verdict, c.verdict) {
				t.Errorf("the verdict is %q", verdict)
			}
			notes := strings.Join(report.Notes, "\n")
			for _, note := range c.notes {
				if !strings.Contains(notes, note) {
					t.Errorf("the notes don't contain %q:\n%s", note, notes)
				}
			}
			if c.silent != "" && strings.Contains(notes, c.silent) {
				t.Errorf("the notes contain %q:\n%s", c.silent, notes)
			}
		})
	}
}

// TestFaultyMembers crosses the other members' ways with faults.
func TestFaultyMembers(t *testing.T) {
	t.Parallel()
	spoiled := func(spoil func(*relative)) *relative {
		r := quarkus(always)
		spoil(r)
		return r
	}
	for _, c := range []struct {
		name     string
		relative *relative
		reason   string
	}{
		{"camelCase and a fallback hero", spoiled(func(r *relative) { r.hero["name"] = "Fallback hero" }), `/api/fights/randomfighters: wrong response: invalid character name "Fallback hero"`},
		{"camelCase and a fallback location", spoiled(func(r *relative) { r.place["name"] = "Fallback location" }), `/api/fights/randomlocation: wrong response: invalid location name "Fallback location"`},
		{"camelCase and another loser", spoiled(func(r *relative) { r.store = func(_ int, fight object) { fight["loserLevel"] = 1 } }), "fighters other than those sent"},
		{"another spelling after a while", spoiled(func(r *relative) { r.store = func(n int, _ object) { r.camel = n < 10 } }), "name or level is missing"},
		{"pages and nothing stored", quarkus(func(int) bool { return false }), "STORES NOTHING"},
		{"pages and only some stored", quarkus(func(n int) bool { return n%5 > 0 }), "but only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run := measure(t, quick(t, "family", c.relative.start(t)))
			if !strings.Contains(strings.Join(run.Void, "\n"), c.reason) {
				t.Errorf("void reasons are %q, want %q among them", run.Void, c.reason)
			}
		})
	}
}

// TestUnsupported checks that a target which lacks what the mix needs is not measured, and that the error says what was
// tried.
func TestUnsupported(t *testing.T) {
	other := rust()
	other.mux.HandleFunc("GET /api/fights/execute_fight", func(w http.ResponseWriter, _ *http.Request) { answer(w, object{"victor": "Yodé"}) })
	page := newRelative()
	page.mux.HandleFunc("GET /api/heroes/random_hero", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p>a hero</p>") })
	for _, c := range []struct {
		name     string
		relative *relative
		mix      string
		says     string
	}{
		{"no path for fights", rust(), "execute_fight", "relative can't be measured with execute_fight: tried /api/fights/execute_fight: wrong response: status 404, 404 page not found"},
		{"an error for a path of the family", quarkus(always), "family,execute_fight", "tried /api/fights/execute_fight: wrong response: status 500, invalid ObjectId"},
		{"none of the paths for locations", rust(), "random_location", "tried /api/locations/random: wrong response: status 404, 404 page not found, and /api/locations/random_location: wrong response: status 404"},
		{"an unknown spelling", other, "execute_fight", "unknown response: a fight must have winner_name or winnerName"},
		{"not JSON", page, "random_hero", "tried /api/heroes/random_hero: wrong response: invalid character: not a JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := Members(t.Context(), quick(t, c.mix, c.relative.start(t)))
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %+v, %v; want an error containing %q", report, err, c.says)
			}
		})
	}
}

// TestCountedInDatabase measures members without a count and a list, whose fights are counted in a real database.
func TestCountedInDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		relative   *relative
		collection string // in which the fights are stored
		named      string // in the URL
		keep       func(n int) bool
		reason     string
	}{
		{"stores all", rust(), "fight_collection", "", always, ""},
		{"stores all in an unknown collection", rust(), "duels", ".duels", always, ""},
		{"stores some", rust(), "Fights", "", func(n int) bool { return n%5 > 0 }, "but only"},
		{"stores nothing", python(), "", "", func(int) bool { return false }, "STORES NOTHING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			database := engines.MongoDB(t)
			fights := collection(t, database, c.collection)
			c.relative.store = func(n int, fight object) {
				if !c.keep(n) {
					return
				}
				if _, err := fights.InsertOne(context.Background(), fight); err != nil {
					t.Error(err)
				}
			}
			target := c.relative.start(t)
			var err error
			if target.Count, err = ParseCollection(database + c.named); err != nil {
				t.Fatal(err)
			}
			run := measure(t, quick(t, "family", target))
			if got := strings.Join(run.Void, "\n"); !strings.Contains(got, c.reason) || c.reason == "" && got != "" {
				t.Errorf("void: %q, want %q", run.Void, c.reason)
			}
			if s := run.Stored; !s.Checked || !strings.HasPrefix(s.By, "MongoDB at 127.0.0.1:") || s.Stored > s.Acknowledged {
				t.Errorf("stored %+v", s)
			}
		})
	}
	t.Run("only unknown collections", func(t *testing.T) {
		database := engines.MongoDB(t)
		if _, err := collection(t, database, "duels").InsertOne(t.Context(), bson.M{}); err != nil {
			t.Fatal(err)
		}
		target := rust().start(t)
		target.Count, _ = ParseCollection(database)
		if _, err := Members(t.Context(), quick(t, "family", target)); err == nil || !strings.Contains(err.Error(), "no such collection, but duels") {
			t.Errorf("got %v", err)
		}
	})
}

func collection(t *testing.T, database, name string) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return client.Database(strings.TrimPrefix(at.Path, "/")).Collection(name)
}

func TestParseCollection(t *testing.T) {
	const password = "swordfish"
	for text, want := range map[string]string{
		"mongodb://h": "MongoDB at h, database fights",
		"mongodb://u:" + password + "@h:1/?authSource=admin":  "MongoDB at h:1, database fights",
		"mongodb://u:" + password + "@h:1,i:2/d":              "MongoDB at h:1,i:2, database d",
		"mongodb://u:" + password + "@h/d.c?authSource=admin": "MongoDB at h, database d, collection c",
		"mongodb://u:a%40" + password + "@h/d.c.e":            "MongoDB at h, database d, collection c.e",
		"":                                     "",
		"postgres://h/d":                       "",
		"mongodb://h/d.":                       "",
		"mongodb://u:" + password + "/@h":      "",
		"mongodb://u:" + password + "@x@h":     "",
		"mongodb://u:1?" + password + "=@h/d":  "",
		"mongodb://u:" + password + "%zz@h/d.": "",
	} {
		got, err := ParseCollection(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want || err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v, %v; want %q", text, got, err, want)
		}
	}
	target, err := ParseTarget("url=http://h:1,count=mongodb://u:" + password + "@127.0.0.1:1/d.c?authSource=admin&serverSelectionTimeoutMS=1,name=x")
	if err != nil || target.Name != "x" || target.Count == nil {
		t.Fatalf("got %+v, %v", target, err)
	}
	if _, _, err := target.count(t.Context(), time.Second, ""); err == nil || strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), "database d, collection c: ") {
		t.Errorf("got %v", err)
	}
}
