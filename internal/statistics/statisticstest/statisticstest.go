// Package statisticstest contains the tests that every statistics.Store must pass, and a fake store. The package
// doesn't depend on the engines: each engine's own tests run the suite.
package statisticstest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
	"superheroes/internal/statistics"
)

// Place is an empty database for fights, with a function that opens statistics stores on it.
type Place struct {
	Fights fight.Store
	Open   func() statistics.Store // opens another statistics store on the database, as another process would
	Batch  int                     // maximum number of fights counted in one step
}

// Run runs the whole suite, with a new database from open for each test.
func Run(t *testing.T, open func(tb testing.TB) Place) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Place){
		"fights of all kinds":                                testKinds,
		"fights stored before the first count":               testBefore,
		"the order of names":                                 testOrder,
		"several counters run while fights are being stored": testConcurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Fights returns n fights in which the names of fighters and locations recur.
func Fights(n int) []fight.Fight {
	ids, now := fight.NewIDs(fight.ID{}), time.Now()
	all := make([]fight.Fight, n)
	for i := range all {
		hero, villain := character.Heroes().Example, character.Villains().Example
		hero.Name, villain.Name = fmt.Sprintf("hero %d", i%7), fmt.Sprintf("villain %d", i%5)
		hero.Level, villain.Level = int32(i%3), 1
		all[i] = fight.Decide(ids.Next(now), now.Add(time.Duration(i)*time.Millisecond), hero, villain, nil)
		if i%4 > 0 {
			all[i].Location = &location.Location{ID: 1, Name: fmt.Sprintf("place %d", i%13)}
		}
	}
	return all
}

// Insert stores the fights, using many goroutines.
func Insert(tb testing.TB, store fight.Store, fights ...fight.Fight) {
	tb.Helper()
	var group errgroup.Group
	group.SetLimit(64)
	for _, f := range fights {
		group.Go(func() error { return store.Insert(tb.Context(), f, f.AppendJSON(nil)) })
	}
	if err := group.Wait(); err != nil {
		tb.Error(err)
	}
}

// Expect returns the expected statistics of the fights, without a version.
func Expect(fights []fight.Fight) statistics.Statistics {
	tally := statistics.NewTally()
	for _, f := range fights {
		tally.Add(f.Outcome())
	}
	want := statistics.Statistics{Total: tally.Total, Heroes: tally.Heroes, Villains: tally.Villains, Since: tally.Since}
	want.Winners, want.Places = tally.Lists()
	slices.SortFunc(want.Winners, func(a, b statistics.Winner) int {
		return cmp.Or(cmp.Compare(b.Wins, a.Wins), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Team, b.Team))
	})
	slices.SortFunc(want.Places, func(a, b statistics.Place) int {
		return cmp.Or(cmp.Compare(b.Fights, a.Fights), cmp.Compare(a.Name, b.Name))
	})
	want.Winners, want.Places = want.Winners[:min(len(want.Winners), 10)], want.Places[:min(len(want.Places), 10)]
	return want
}

// CountAll counts until no uncounted fights are left, and returns the number of fights that it counted.
func CountAll(tb testing.TB, store statistics.Store) (counted int) {
	tb.Helper()
	for {
		progress, err := store.Count(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		counted += progress.Counted
		if !progress.More && !progress.Waiting {
			return counted
		}
	}
}

// Exact checks that the store's statistics match the fights exactly.
func Exact(tb testing.TB, store statistics.Store, fights []fight.Fight) {
	tb.Helper()
	got, err := store.Read(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	got.Version = 0
	if diff := gocmp.Diff(Expect(fights), got); diff != "" {
		tb.Errorf("(-fights +statistics):\n%s", diff)
	}
}

func testKinds(t *testing.T, place Place) {
	store, fights := place.Open(), Fights(60)
	Exact(t, store, nil)
	if counted := CountAll(t, store); counted != 0 {
		t.Errorf("counting again counted %d fights, want none", counted)
	}
	Exact(t, store, nil)
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	slices.Reverse(fights) // store the fights in reverse order of their ids, which must not matter
	for i, name := range []string{"\"\\\x01\u2028", "🦸🏽‍♀️", "$where", "a.b", "heroes/x", " ", "%_"} {
		fights[i].Hero.Name, fights[i].Villain.Name = name, name
		fights[i].Location = &location.Location{Name: name}
	}
	versions := map[int64]bool{}
	for i, f := range fights {
		Insert(t, place.Fights, f)
		if i%20 == 0 || i < 3 {
			CountAll(t, store)
			Exact(t, store, fights[:i+1])
			read, err := store.Read(t.Context())
			if err != nil || versions[read.Version] {
				t.Errorf("two different statistics have the version %d (%v)", read.Version, err)
			}
			versions[read.Version] = true
		}
	}
	if counted := CountAll(t, place.Open()); counted != 19 {
		t.Errorf("the second counter counted %d fights, want the last 19", counted)
	}
	Exact(t, store, fights)
	got, err := place.Fights.Get(t.Context(), fights[0].ID)
	if diff := gocmp.Diff(string(fights[0].AppendJSON(nil)), string(got.AppendJSON(nil))); diff != "" || err != nil {
		t.Errorf("reading a fight after counting it: %v (-stored +read):\n%s", err, diff)
	}
}

func testBefore(t *testing.T, place Place) {
	fights := Fights(place.Batch + place.Batch/2 + 10)
	counted, later := fights[:len(fights)-10], fights[len(fights)-10:]
	Insert(t, place.Fights, counted...)
	store := place.Open()
	first, err := store.Count(t.Context())
	if err != nil || first.Counted != place.Batch || !first.More {
		t.Fatalf("the first step returned %+v, %v", first, err)
	}
	if read, err := store.Read(t.Context()); err != nil || read.Total != int64(place.Batch) {
		t.Errorf("the statistics after the first step are %+v, %v", read, err)
	}
	CountAll(t, place.Open())
	Exact(t, store, counted)
	Insert(t, place.Fights, later...) // these fights are not counted yet, which a rebuild must not treat as an error
	report, err := store.Rebuild(t.Context())
	if err != nil || report.Differed() || report.Fights != int64(len(counted)) {
		t.Errorf("a rebuild with nothing to correct returned %+v, %v", report, err)
	}
	CountAll(t, store)
	Exact(t, store, fights)
}

func testOrder(t *testing.T, place Place) {
	var fights []fight.Fight
	for i, f := range Fights(15) {
		f.Hero.Name, f.Villain.Name = fmt.Sprintf("%c", 'o'-i), fmt.Sprintf("%c", 'o'-i) // one win each
		f.Location = &location.Location{Name: string([]rune("Zaé日🌍BbAz0 ~Éßs")[i])}
		fights = append(fights, f)
	}
	both := Fights(2) // both teams have a fighter with the same name
	both[0].Hero.Name, both[0].Hero.Level, both[0].Winner = "a", 2, fight.Heroes
	both[1].Villain.Name, both[1].Hero.Level, both[1].Winner = "a", 0, fight.Villains
	fights = append(fights, both[0], both[1])
	Insert(t, place.Fights, fights...)
	store := place.Open()
	CountAll(t, store)
	Exact(t, store, fights)
}

// testConcurrent checks that three concurrent counters count fights exactly while fights are being stored.
func testConcurrent(t *testing.T, place Place) {
	fights := Fights(200)
	storing, stop := context.WithCancel(t.Context())
	defer stop()
	var group errgroup.Group
	for range 3 {
		store := place.Open()
		group.Go(func() error {
			for storing.Err() == nil {
				if _, err := store.Count(t.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for few := range slices.Chunk(fights, 20) {
		Insert(t, place.Fights, few...)
	}
	stop()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	store := place.Open()
	CountAll(t, store)
	Exact(t, store, fights)
}
