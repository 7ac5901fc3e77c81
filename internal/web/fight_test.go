package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
)

// readBody decodes and checks a body just as the route does.
func readBody(text string) (fightBody, error) {
	var posted fightBody
	if err := httpserver.DecodeJSON([]byte(text), &posted); err != nil {
		return fightBody{}, err
	}
	return posted, posted.check()
}

func TestBodyRefused(t *testing.T) {
	const villain = `"villain":{"name":"v"}`
	hero := func(fields string) string { return `{"hero":{"name":"h",` + fields + `},` + villain + `}` }
	place := func(value string) string { return `{"hero":{"name":"h"},` + villain + `,"location":` + value + `}` }
	const malformed, invalid = http.StatusBadRequest, http.StatusUnprocessableEntity
	tests := []struct {
		name, text string
		status     int
		places     []string
	}{
		{"empty", ``, malformed, nil},
		{"null", `null`, invalid, []string{"body.hero", "body.villain"}},
		{"an array", `[]`, invalid, []string{"body"}},
		{"hero null", `{"hero":null,` + villain + `}`, invalid, []string{"body.hero"}},
		{"hero a string", `{"hero":"h",` + villain + `}`, invalid, []string{"body.hero"}},
		{"key in the wrong case", `{"Hero":{"name":"h"},` + villain + `}`, invalid, []string{"body.hero"}},
		{"names missing", `{"hero":{},"villain":{}}`, invalid, []string{"body.hero.name", "body.villain.name"}},
		{"name null", `{"hero":{"name":null},` + villain + `}`, invalid, []string{"body.hero.name"}},
		{"name a number", `{"hero":{"name":7},` + villain + `}`, invalid, []string{"body.hero.name"}},
		{"name with NUL", `{"hero":{"name":"a\u0000"},` + villain + `}`, invalid, []string{"body.hero.name"}},
		{"lone surrogate", `{"hero":{"name":"\ud800"},` + villain + `}`, malformed, nil},
		{"duplicate key", hero(`"name":"again"`), malformed, []string{"body.hero.name"}},
		{"level -1", hero(`"level":-1`), invalid, []string{"body.hero.level"}},
		{"level 2^31", hero(`"level":2147483648`), invalid, []string{"body.hero.level"}},
		{"level 5.0", hero(`"level":5.0`), invalid, []string{"body.hero.level"}},
		{"level a string", hero(`"level":"5"`), invalid, []string{"body.hero.level"}},
		{"id 0", hero(`"id":0`), invalid, []string{"body.hero.id"}},
		{"id 2^63", hero(`"id":9223372036854775808`), invalid, []string{"body.hero.id"}},
		{"location without a name", place(`{}`), invalid, []string{"body.location.name"}},
		{"location of an unknown type", place(`{"name":"p","type":"city"}`), invalid, []string{"body.location.type"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			posted, err := readBody(test.text)
			var problem *httpserver.Problem
			if !errors.As(err, &problem) {
				t.Fatalf("got body %+v and error %v, want a problem", posted, err)
			}
			if problem.Status != test.status {
				t.Errorf("got %d %s, want %d", problem.Status, problem.Detail, test.status)
			}
			for _, place := range test.places {
				if !slices.ContainsFunc(problem.Errors, func(p httpserver.Place) bool { return p.Location == place }) {
					t.Errorf("got errors %v, want one for %s", problem.Errors, place)
				}
			}
			if test.places != nil && len(problem.Errors) != len(test.places) {
				t.Errorf("got errors %v, want errors for %v", problem.Errors, test.places)
			}
		})
	}
}

func TestBodyAccepted(t *testing.T) {
	long := strings.Repeat("🦸", 50)
	tests := []struct {
		name, text string
		want       string // hero, villain and location as printed by fmt.Sprint
	}{
		{"names only", `{"hero":{"name":"h"},"villain":{"name":"v"}}`,
			`{0 h  0  } {0 v  0  } <nil>`},
		{"null is missing", `{"hero":{"id":null,"name":"h","otherName":null,"level":null,"picture":null,"powers":null},"villain":{"name":"v"},"location":null}`,
			`{0 h  0  } {0 v  0  } <nil>`},
		{"everything", `{"hero":{"id":9223372036854775807,"name":"h","otherName":"o","level":2147483647,"picture":"p","powers":"x"},` +
			`"villain":{"id":1,"name":"v","level":0},"location":{"id":2,"name":"l","description":"d","picture":"p","type":"MOON"}}`,
			`{9223372036854775807 h o 2147483647 p x} {1 v  0  } &{2 l d p MOON}`},
		{"unknown fields are ignored", `{"hero":{"name":"h","Level":9,"weight":[1,{}]},"villain":{"name":"v"},"winner":"h","id":7}`,
			`{0 h  0  } {0 v  0  } <nil>`},
		{"name of 50 code points of four bytes each", `{"hero":{"name":"` + long + `"},"villain":{"name":"v"}}`,
			`{0 ` + long + `  0  } {0 v  0  } <nil>`},
		{"location with only a name", `{"hero":{"name":"h"},"villain":{"name":"v"},"location":{"name":"l"}}`,
			`{0 h  0  } {0 v  0  } &{0 l   }`},
		{"text is not normalized", `{"hero":{"name":" h\u0301\t"},"villain":{"name":"v"}}`,
			"{0  h\u0301\t  0  } {0 v  0  } <nil>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			posted, err := readBody(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(*posted.Hero, *posted.Villain, posted.Location); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// No body makes the decoder panic, and an accepted body becomes a fight that survives encoding and decoding.
func FuzzFightBody(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `{"hero":{"name":"h"},"villain":{"name":"v"}}`,
		`{"hero":{"id":1,"name":"h","otherName":"o","level":5,"picture":"p","powers":"x"},"villain":{"name":"v"},"location":{"id":3,"name":"l","type":"CITY"}}`,
		`{"hero":{"name":"\ud83e\uddb8\u2028<>&\u0001"},"villain":{"name":"\""},"location":null}`,
		`{"hero":{"name":"h","level":5.0},"villain":{"name":"v","level":1e309}}`,
		`{"hero":{"name":"h","name":"h"},"villain":{"name":"\u0000"}}`,
	} {
		f.Add([]byte(seed))
	}
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		posted, err := readBody(string(text))
		if err != nil {
			var problem *httpserver.Problem
			if !errors.As(err, &problem) || problem.Status != http.StatusBadRequest && problem.Status != http.StatusUnprocessableEntity {
				t.Fatalf("body %q: got error %v, want a 400 or 422", text, err)
			}
			if !utf8.ValidString(problem.Error()) {
				t.Fatalf("body %q was refused with a detail that is not UTF-8: %q", text, problem.Error())
			}
			return
		}
		decided := fight.Decide(fight.ID{1}, at, *posted.Hero, *posted.Villain, posted.Location)
		if stored, err := fight.Parse(decided.ID, decided.AppendJSON(nil)); err != nil || !cmp.Equal(decided, stored) {
			t.Fatalf("body %s: decoding the fight returned error %v and\n%+v, want\n%+v", text, err, stored, decided)
		}
	})
}

// A HEAD request must not change anything, so it must not execute a fight.
func TestExecuteFightRefusesHead(t *testing.T) {
	answer := httptest.NewRecorder()
	newFightsAPI(t).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/api/fights/execute_fight", http.NoBody))
	if allow := answer.Header().Get("Allow"); answer.Code != http.StatusMethodNotAllowed || allow != http.MethodGet {
		t.Errorf("got status %d with Allow %q, want 405 with GET", answer.Code, allow)
	}
}
