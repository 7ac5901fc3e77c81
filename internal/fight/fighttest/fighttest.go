// Package fighttest contains the tests that every fight.Store must pass, and a benchmark. The package doesn't depend on
// the database engines; their tests call it.
package fighttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
)

// Open opens an empty store that is closed at the end of the test.
type Open func(tb testing.TB) fight.Store

// Run runs the whole suite against the stores that open returns.
func Run(t *testing.T, open Open) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, fight.Store){
		"an empty store":       testEmpty,
		"round trip":           testRoundTrip,
		"pages":                testPages,
		"ids of every version": testVersions,
		"duplicate id":         testTwice,
		"deadlines under load": testDeadlines,
		"canceled context":     testEnded,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func testEmpty(t *testing.T, store fight.Store) {
	ctx := t.Context()
	if err := store.Ping(ctx); err != nil {
		t.Errorf("Ping: %v", err)
	}
	if n, err := store.Count(ctx); n != 0 || err != nil {
		t.Errorf("Count: %d, %v", n, err)
	}
	if last, err := store.Last(ctx); last != (fight.ID{}) || err != nil {
		t.Errorf("Last: %s, %v", last, err)
	}
	if page, err := store.Page(ctx, fight.MaxID(), 10); len(page) != 0 || err != nil {
		t.Errorf("Page: %v, %v", page, err)
	}
	if f, err := store.Get(ctx, fight.ID{1}); !errors.Is(err, fight.ErrNotFound) {
		t.Errorf("Get: %v, %v; want ErrNotFound", f, err)
	}
}

// samples returns fights with boundary values, keyed by case name.
func samples() map[string]fight.Fight {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	yoda, thanos, gotham := character.Heroes().Example, character.Villains().Example, location.Locations().Example
	fighter := func(id int64, level int32) character.Character {
		return character.Character{ID: id, Name: "x", Level: level}
	}
	cases := map[string]fight.Fight{
		"plain":              {Hero: yoda, Villain: thanos, Location: &gotham},
		"hero wins":          {Hero: thanos, Villain: yoda, Location: &gotham},
		"no place":           {Hero: yoda, Villain: thanos},
		"no ids":             {Hero: fighter(0, 1), Villain: fighter(0, 2), Location: &location.Location{Name: "l"}},
		"64-bit ids":         {Hero: fighter(1<<63-1, 1), Villain: fighter(1<<53+1, 2), Location: &location.Location{ID: 1<<63 - 1}},
		"levels 0 and 0":     {Hero: fighter(1, 0), Villain: fighter(1, 0)},
		"the highest levels": {Hero: fighter(1, 1<<31-1), Villain: fighter(1, 1<<31-2)},
	}
	for name, text := range map[string]string{
		"emoji": "🦸🏽‍♀️🌍", "combining": "e\u0301 \u1e69 s\u0323\u0307", "controls": "\x01\x1f\x7f\t\r\n",
		"quotes": `"'\$.{}[]<>&%_`, "separators": "\u2028\u2029\ufeff\u00a0 ", "the last code points": "\U0010ffff\ufffd\uffff",
		"trailing blanks": " x ", "empty": "", "long": strings.Repeat("🦹", 15_000),
	} {
		c := character.Character{ID: 1, Name: text, OtherName: text, Picture: text, Powers: text}
		place := &location.Location{ID: 1, Name: text, Description: text, Picture: text}
		cases[name] = fight.Fight{Hero: c, Villain: c, Location: place}
	}
	for _, ms := range []time.Duration{0, 997, 998, 999} {
		cases[fmt.Sprintf("at .%03d s", ms)] = fight.Fight{Date: at.Add(ms * time.Millisecond), Hero: yoda, Villain: thanos}
	}
	ids := fight.NewIDs(fight.ID{})
	for name, f := range cases {
		if f.Date.IsZero() {
			f.Date = at.Add(678 * time.Millisecond)
		}
		cases[name] = fight.Decide(ids.Next(f.Date), f.Date, f.Hero, f.Villain, f.Location)
	}
	return cases
}

func testRoundTrip(t *testing.T, store fight.Store) {
	all := samples()
	for name, f := range all {
		if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
			t.Errorf("storing %s: %v", name, err)
		}
	}
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			got, err := store.Get(t.Context(), f.ID)
			if err != nil {
				t.Fatal(err)
			}
			same(t, f, got)
		})
	}
	if n, err := store.Count(t.Context()); n != int64(len(all)) || err != nil {
		t.Errorf("Count: %d, %v; want %d", n, err, len(all))
	}
}

func same(t *testing.T, want, got fight.Fight) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the stored fight (-) and the returned fight (+) differ:\n%s", diff)
	}
}

// NewFight returns a fight with the current time.
func NewFight(ids *fight.IDs) fight.Fight { return decide(ids, time.Now()) }

// Fights returns n fights with the same date and ascending ids.
func Fights(n int) []fight.Fight {
	ids, now := fight.NewIDs(fight.ID{}), time.Now()
	all := make([]fight.Fight, n)
	for i := range all {
		all[i] = decide(ids, now)
	}
	return all
}

func decide(ids *fight.IDs, now time.Time) fight.Fight {
	place := location.Locations().Example
	return fight.Decide(ids.Next(now), now, character.Heroes().Example, character.Villains().Example, &place)
}

func testPages(t *testing.T, store fight.Store) {
	ctx, all := t.Context(), Fights(8)
	absent, stored := all[4], slices.Delete(slices.Clone(all), 4, 5)
	for _, i := range rand.Perm(len(stored)) { // pages must be ordered by id, not by time of insertion
		if err := store.Insert(ctx, stored[i], stored[i].AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
	}
	newest := func(indexes ...int) (ids []fight.ID) {
		for _, i := range indexes {
			ids = append(ids, all[i].ID)
		}
		return ids
	}
	for _, test := range []struct {
		name   string
		before fight.ID
		limit  int
		want   []fight.ID
	}{
		{"the first", fight.MaxID(), 3, newest(7, 6, 5)},
		{"the next", all[5].ID, 3, newest(3, 2, 1)},
		{"the last, not full", all[1].ID, 3, newest(0)},
		{"beyond the last", all[0].ID, 3, nil},
		{"before the zero id", fight.ID{}, 3, nil},
		{"before an unknown id", absent.ID, 2, newest(3, 2)},
		{"more than are stored", fight.MaxID(), 101, newest(7, 6, 5, 3, 2, 1, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := store.Page(t.Context(), test.before, test.limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []fight.ID
			for _, f := range page {
				got = append(got, f.ID)
				same(t, all[slices.IndexFunc(all, func(other fight.Fight) bool { return other.ID == f.ID })], f)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if last, err := store.Last(ctx); last != all[7].ID || err != nil {
		t.Errorf("Last: %s, %v; want %s", last, err, all[7].ID)
	}
}

// testVersions checks that fights whose ids were generated by other programs are read and paged like our own fights,
// but that new ids don't continue from such ids.
func testVersions(t *testing.T, store fight.Store) {
	ids := fight.NewIDs(fight.ID{})
	ours := NewFight(ids)
	future := decide(ids, time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)) // as if the clock had been set ahead
	all := []fight.Fight{ours, future}
	for _, text := range []string{
		"00000000-0000-0000-0000-000000000000", "0198c5a7-1f2e-4c3a-9d10-2b6f6f1d2c4e", "9b2e1f2e-0c3a-1c3a-8d10-2b6f6f1d2c4e",
		"e677d21f-dc00-7000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff", "ffffffff-ffff-7fff-bfff-ffffffffffff",
		"fffffffe-ffff-7fff-1fff-ffffffffffff",
	} {
		id, err := fight.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		f := ours
		f.ID = id
		all = append(all, f)
	}
	for i, f := range all {
		if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
		want := future.ID
		if i == 0 {
			want = ours.ID
		}
		if last, err := store.Last(t.Context()); last != want || err != nil {
			t.Errorf("Last is %s after storing %s (%v), want %s", last, f.ID, err, want)
		}
	}
	next := fight.NewIDs(future.ID).Next(time.Now())
	if bytes.Compare(next[:], future.ID[:]) <= 0 || !next.Ours() {
		t.Errorf("the next id is %s, want an id just above %s", next, future.ID)
	}
	listed := Everything(t, store)
	for _, f := range listed {
		same(t, all[slices.IndexFunc(all, func(other fight.Fight) bool { return other.ID == f.ID })], f)
	}
	if n, err := store.Count(t.Context()); len(listed) != len(all) || n != int64(len(all)) || err != nil {
		t.Errorf("listed %d fights and counted %d, %v; want %d", len(listed), n, err, len(all))
	}
}

// testTwice checks that a second insert with the same id is rejected and leaves the first fight intact, and that the
// store still works.
func testTwice(t *testing.T, store fight.Store) {
	two := Fights(2)
	other := two[0]
	other.Hero.Name = "another"
	if err := store.Insert(t.Context(), two[0], two[0].AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	if err := store.Insert(t.Context(), other, other.AppendJSON(nil)); err == nil || errors.Is(err, fight.ErrMaybeStored) {
		t.Errorf("got %v, want an error that doesn't wrap ErrMaybeStored", err)
	}
	if err := store.Insert(t.Context(), two[1], two[1].AppendJSON(nil)); err != nil {
		t.Errorf("inserting a fight after a rejected one: %v", err)
	}
	got, err := store.Get(t.Context(), two[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, two[0], got)
}

// Everything reads all pages and returns all fights, newest first.
func Everything(tb testing.TB, store fight.Store) (all []fight.Fight) {
	tb.Helper()
	before := fight.MaxID()
	for {
		page, err := store.Page(tb.Context(), before, 100)
		if err != nil {
			tb.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		lowest := page[len(page)-1].ID
		if bytes.Compare(lowest[:], before[:]) >= 0 {
			tb.Fatalf("the page of fights before %s ends with %s", before, lowest)
		}
		all, before = append(all, page...), lowest
	}
}

func testEnded(t *testing.T, store fight.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := Fights(1)[0]
	err := store.Insert(ctx, f, f.AppendJSON(nil))
	Truthful(t, store, f, err)
	if err == nil {
		t.Errorf("Insert ignored a canceled context")
	}
}

// Truthful checks that the fight is stored if Insert returned nil, and not stored if Insert returned an error other
// than ErrMaybeStored.
func Truthful(tb testing.TB, store fight.Store, f fight.Fight, said error) {
	tb.Helper()
	_, err := store.Get(tb.Context(), f.ID)
	switch {
	case err != nil && !errors.Is(err, fight.ErrNotFound):
		tb.Errorf("reading %s: %v", f.ID, err)
	case said == nil && err != nil:
		tb.Errorf("%s was acknowledged but is not stored", f.ID)
	case said != nil && !errors.Is(said, fight.ErrMaybeStored) && err == nil:
		tb.Errorf("%s is stored, but Insert returned: %v", f.ID, said)
	}
}

// testDeadlines runs concurrent writers, some of whose deadlines pass before, during or after the write, and checks the
// results of Insert against the store.
func testDeadlines(t *testing.T, store fight.Store) {
	const workers, each, quiet = 8, 25, 5
	all := Fights(workers * each)
	_ = duration(t, store, Fights(1)[0]) // the first insert may be slow, because it creates the collection
	took := time.Minute
	for range quiet { // the fastest of several writes: if the estimate were too high, all writes would finish in time
		took = min(took, duration(t, store, Fights(1)[0]))
	}
	said := make([]error, len(all))
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < len(all); i += workers {
				ctx, cancel := context.WithTimeout(t.Context(), someTime(i/workers, took, workers))
				said[i] = store.Insert(ctx, all[i], all[i].AppendJSON(nil))
				cancel()
			}
		})
	}
	group.Wait()
	stored := map[fight.ID]fight.Fight{}
	for _, f := range Everything(t, store) {
		stored[f.ID] = f
	}
	acknowledged, open := 0, 0
	for i, f := range all {
		got, found := stored[f.ID]
		switch {
		case said[i] == nil:
			acknowledged++
			same(t, f, got)
		case errors.Is(said[i], fight.ErrMaybeStored):
			open++
		case found:
			t.Errorf("%s is stored, but Insert returned: %v", f.ID, said[i])
		}
	}
	t.Logf("%d acknowledged, %d uncertain of %d; %d stored", acknowledged, open, len(all), len(stored)-1-quiet)
	if acknowledged == 0 || acknowledged == len(all) {
		t.Errorf("%d of %d writes finished in time: the deadlines had no effect", acknowledged, len(all))
	}
}

// someTime returns a random timeout for the nth of many concurrent writes, too short for some of them and long enough
// for others. took is the duration of a single write.
func someTime(nth int, took time.Duration, workers int) time.Duration {
	switch nth % 8 {
	case 0:
		return rand.N(took / 4)
	case 1:
		return time.Minute
	}
	return rand.N(2 * time.Duration(workers) * took)
}

// duration stores a fight and returns the time taken.
func duration(t *testing.T, store fight.Store, f fight.Fight) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}
