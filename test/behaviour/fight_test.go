package behaviour

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/system"
)

// testFights holds the fights, random and posted, against the contract. It begins where nothing was fought yet.
func testFights(t *testing.T, s *system.System) {
	t.Run("none yet", func(t *testing.T) {
		if got := get(t, s.Fights, "/api/fights").body; got != "[]" || count(t, s) != 0 {
			t.Errorf("got %d, %s", count(t, s), got)
		}
	})
	t.Run("randomfighters", func(t *testing.T) { testRandomFighters(t, s) })
	t.Run("randomlocation", func(t *testing.T) { testRandomLocation(t, s) })
	t.Run("execute_fight", func(t *testing.T) { testExecute(t, s) })
	t.Run("the rule", func(t *testing.T) { testRule(t, s) })
	t.Run("ids increase", func(t *testing.T) { testIDs(t, s) })
	t.Run("the list", func(t *testing.T) { testFightList(t, s) })
	t.Run("one by its id", func(t *testing.T) { testFightByID(t, s) })
}

func noStore(t *testing.T, received answer) {
	t.Helper()
	if got := received.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
}

func testRandomFighters(t *testing.T, s *system.System) {
	received := get(t, s.Fights, "/api/fights/randomfighters")
	noStore(t, received)
	if diff := cmp.Diff([]string{"hero", "villain"}, fields(t, received.body)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	fighters := read[map[string]json.RawMessage](t, received.body)
	for _, r := range rooms[:2] {
		if fighter := string(fighters[r.singular]); !slices.Contains(all(t, s.URL(r.service), r), fighter) {
			t.Errorf("the %s is not in the list: %s", r.singular, fighter)
		}
	}
}

func testRandomLocation(t *testing.T, s *system.System) {
	received := get(t, s.Fights, "/api/fights/randomlocation")
	noStore(t, received)
	if !slices.Contains(all(t, s.Locations, rooms[2]), received.body) {
		t.Errorf("it is not in the list: %s", received.body)
	}
}

func testExecute(t *testing.T, s *system.System) {
	whole := map[string][]string{}
	for _, r := range rooms {
		whole[r.singular] = all(t, s.URL(r.service), r)
	}
	for range 10 {
		before, stored := time.Now(), count(t, s)
		received := get(t, s.Fights, "/api/fights/execute_fight")
		noStore(t, received)
		checkFight(t, received.body, before)
		for part, text := range read[map[string]json.RawMessage](t, received.body) {
			if entries, is := whole[part]; is && !slices.Contains(entries, string(text)) {
				t.Errorf("the %s is not in its list: %s", part, text)
			}
		}
		if got := count(t, s); got != stored+1 {
			t.Errorf("count went from %d to %d", stored, got)
		}
		if got := get(t, s.Fights, "/api/fights/"+read[fight](t, received.body).ID).body; got != received.body {
			t.Errorf("stored was %s, answered %s", got, received.body)
		}
	}
}

var uuid7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// checkFight checks the fields of a fight that was decided after begun, and that the rule was kept.
func checkFight(t *testing.T, text string, begun time.Time) {
	t.Helper()
	if diff := cmp.Diff(fightFields, fields(t, text)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	parts := read[map[string]json.RawMessage](t, text)
	for part, want := range map[string][]string{"hero": characterFields, "villain": characterFields, "location": locationFields} {
		if string(parts[part]) == "null" {
			continue
		}
		if diff := cmp.Diff(want, fields(t, string(parts[part]))); diff != "" {
			t.Errorf("fields of the %s (-want +got):\n%s", part, diff)
		}
	}
	f := read[fight](t, text)
	if !uuid7.MatchString(f.ID) {
		t.Errorf("id %q is no UUID of version 7", f.ID)
	}
	date, err := time.Parse(time.RFC3339Nano, f.Date)
	if err != nil || !strings.HasSuffix(f.Date, "Z") || date.Before(begun.Truncate(time.Millisecond)) || date.After(time.Now()) {
		t.Errorf("fight_date is %q, it was asked for at %s (%v)", f.Date, begun.UTC(), err)
	}
	if diff := cmp.Diff(f.decided(), f); diff != "" {
		t.Errorf("winner and loser (-want +got):\n%s", diff)
	}
}

// decided returns the fight with the winner and the loser that the rule gives.
func (f fight) decided() fight {
	winner, loser := f.Villain, f.Hero
	f.WinnerTeam, f.LoserTeam = "villains", "heroes"
	if f.Hero.Level > f.Villain.Level {
		winner, loser = f.Hero, f.Villain
		f.WinnerTeam, f.LoserTeam = "heroes", "villains"
	}
	f.WinnerName, f.WinnerLevel, f.WinnerPowers, f.WinnerPicture = winner.Name, winner.Level, winner.Powers, winner.Picture
	f.LoserName, f.LoserLevel, f.LoserPowers, f.LoserPicture = loser.Name, loser.Level, loser.Powers, loser.Picture
	return f
}

// post posts a fight and fails the test unless it is taken.
func post(t *testing.T, s *system.System, body string) answer {
	t.Helper()
	received := do(t, s.Fights, call{method: "POST", target: "/api/fights", body: body})
	if received.status != http.StatusOK {
		t.Fatalf("posting %.300s: got %d %s", body, received.status, received.body)
	}
	return received
}

func testRule(t *testing.T, s *system.System) {
	for _, c := range []struct{ name, hero, villain, winner string }{
		{"a stronger hero", `,"level":6`, `,"level":5`, "heroes"},
		{"a stronger villain", `,"level":5`, `,"level":6`, "villains"},
		{"a tie", `,"level":5`, `,"level":5`, "villains"},
		{"no levels", ``, ``, "villains"},
		{"only the hero has one", `,"level":1`, ``, "heroes"},
		{"the largest levels", `,"level":2147483647`, `,"level":2147483646`, "heroes"},
		{"a tie of the largest", `,"level":2147483647`, `,"level":2147483647`, "villains"},
	} {
		t.Run(c.name, func(t *testing.T) {
			begun := time.Now()
			received := post(t, s, `{"hero":{"name":"H","powers":"a","picture":"/h"`+c.hero+`},"villain":{"name":"V","powers":"b","picture":"/v"`+c.villain+`}}`)
			noStore(t, received)
			checkFight(t, received.body, begun)
			if got := read[fight](t, received.body); got.WinnerTeam != c.winner || got.Location != nil || got.Hero.ID != nil || got.Villain.ID != nil {
				t.Errorf("want the win of %s, got %s", c.winner, received.body)
			}
		})
	}
}

const plainFight = `{"hero":{"name":"H"},"villain":{"name":"V"}}`

func testIDs(t *testing.T, s *system.System) {
	last := ""
	for range 20 {
		id := read[fight](t, post(t, s, plainFight).body).ID
		if id <= last {
			t.Errorf("%s was given after %s", id, last)
		}
		last = id
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	seen := map[string]bool{}
	for range 8 {
		group.Go(func() {
			for range 10 {
				received := do(t, s.Fights, call{method: "POST", target: "/api/fights", body: plainFight})
				var f fight
				if err := json.Unmarshal([]byte(received.body), &f); err != nil {
					t.Errorf("got %d %s", received.status, received.body)
				}
				mu.Lock()
				seen[f.ID] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(seen) != 80 {
		t.Errorf("80 fights at the same time got %d ids", len(seen))
	}
	for id := range seen {
		if id <= last {
			t.Errorf("%s was given after %s", id, last)
		}
	}
}

var nextLink = regexp.MustCompile(`^<(/[^>]*)>; rel="next"$`)

// next returns the target of the next page, "" when there is none.
func next(t *testing.T, received answer) string {
	t.Helper()
	link := received.header.Get("Link")
	if link == "" {
		return ""
	}
	match := nextLink.FindStringSubmatch(link)
	if match == nil {
		t.Fatalf("the Link is %q", link)
	}
	return match[1]
}

func testFightList(t *testing.T, s *system.System) {
	stored := count(t, s)
	if stored < 40 {
		t.Fatalf("only %d fights are stored", stored)
	}
	var walked []string
	for target := "/api/fights?limit=7"; target != ""; {
		page := get(t, s.Fights, target)
		list := elements(t, page.body)
		if target = next(t, page); target != "" && len(list) != 7 || len(list) == 0 {
			t.Fatalf("a page has %d fights, next is %q", len(list), target)
		}
		walked = append(walked, list...)
	}
	ids := make([]string, len(walked))
	for i, text := range walked {
		ids[i] = read[fight](t, text).ID
	}
	if len(ids) != stored || !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) || len(slices.Compact(slices.Clone(ids))) != stored {
		t.Errorf("the walk found %d of %d fights, newest first: %v", len(ids), stored, ids)
	}
	between := ids[10][:len(ids[10])-1] + "0" // need not exist; at most the one it was made from
	for _, c := range []struct {
		name, query string
		want        []string
		more        bool
	}{
		{"by default", "", walked[:20], true},
		{"a limit of one", "?limit=1", walked[:1], true},
		{"before one", "?limit=5&before=" + ids[3], walked[4:9], true},
		{"before one that doesn't exist", "?limit=5&before=" + between, walked[11:16], true},
		{"before one in capitals", "?limit=5&before=" + strings.ToUpper(ids[3]), walked[4:9], true},
		{"before the oldest", "?before=" + ids[len(ids)-1], nil, false},
		{"before all time", "?before=00000000-0000-0000-0000-000000000000", nil, false},
		{"before the end of time", "?limit=2&before=ffffffff-ffff-ffff-ffff-ffffffffffff", walked[:2], true},
		{"the last page, exactly full", "?limit=3&before=" + ids[len(ids)-4], walked[len(walked)-3:], false},
		{"one more than the last page", "?limit=3&before=" + ids[len(ids)-5], walked[len(walked)-4 : len(walked)-1], true},
	} {
		t.Run(c.name, func(t *testing.T) {
			received := get(t, s.Fights, "/api/fights"+c.query)
			if diff := cmp.Diff(c.want, elements(t, received.body)); diff != "" {
				t.Errorf("fights (-want +got):\n%s", diff)
			}
			if target := next(t, received); (target != "") != c.more {
				t.Errorf("next is %q", target)
			}
		})
	}
}

func testFightByID(t *testing.T, s *system.System) {
	newest := elements(t, get(t, s.Fights, "/api/fights?limit=1").body)[0]
	id := read[fight](t, newest).ID
	for name, spelled := range map[string]string{"as given": id, "in capitals": strings.ToUpper(id)} {
		if got := get(t, s.Fights, "/api/fights/"+spelled).body; got != newest {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
