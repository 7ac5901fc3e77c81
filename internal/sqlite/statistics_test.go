package sqlite

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/statistics"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/internal/storage"
)

// testBatch is a small batch size, so that even a few fights take several batches.
const testBatch = 40

// counted holds the fight store and the statistics store that share a file.
type counted struct {
	fights *Fights
	store  *Statistics
}

func openCounted(tb testing.TB, path string) counted {
	tb.Helper()
	fights := openFights(tb, path, true)
	store, err := NewStatistics(tb.Context(), fights.db, database.SQLiteStatistics)
	must(tb, err)
	store.batch = testBatch
	return counted{fights, store}
}

// countedNew opens both stores in a new file, stores the fights and counts them.
func countedNew(t *testing.T, fights ...fight.Fight) counted {
	t.Helper()
	at := openCounted(t, filepath.Join(t.TempDir(), "fights.db"))
	statisticstest.Insert(t, at.fights, fights...)
	statisticstest.CountAll(t, at.store)
	return at
}

// exact fails the test unless the statistics are exact once all fights are counted, and a rebuild finds nothing to
// correct.
func (c counted) exact(t *testing.T) {
	t.Helper()
	statisticstest.CountAll(t, c.store)
	all, err := c.fights.Page(t.Context(), fight.MaxID(), 1000)
	must(t, err)
	statisticstest.Exact(t, c.store, all)
	if report, err := c.store.Rebuild(t.Context()); err != nil || report.Differed() {
		t.Errorf("another rebuild: %+v, %v", report, err)
	}
}

func TestStatistics(t *testing.T) {
	statisticstest.Run(t, func(tb testing.TB) statisticstest.Place {
		path := filepath.Join(tb.TempDir(), "fights.db")
		return statisticstest.Place{
			Fights: openCounted(tb, path).fights, Open: func() statistics.Store { return openCounted(tb, path).store }, Batch: testBatch,
		}
	})
}

func TestRebuild(t *testing.T) {
	for name, c := range map[string]struct {
		spoil string
		says  func(statistics.Report) bool
	}{
		"the totals": {"UPDATE statistics SET total = 7, heroes = 0", func(r statistics.Report) bool {
			return r.Total.Total == 7 && r.Corrected.Total == 60 && r.Winners == 0 && r.Places == 0 && !r.Since
		}},
		"winners": {"UPDATE statistics_winner SET wins = 99 WHERE name LIKE '% 1'", func(r statistics.Report) bool {
			return r.Winners == 2 && r.Places == 0 && r.Total == r.Corrected
		}},
		"a winner too many": {"INSERT INTO statistics_winner VALUES ('nobody', 'heroes', 3)", func(r statistics.Report) bool {
			return r.Winners == 1
		}},
		"the first date": {"UPDATE statistics SET since = 1", func(r statistics.Report) bool {
			return r.Since && r.Winners == 0
		}},
		"everything": {"DELETE FROM statistics_winner; DELETE FROM statistics_place; " +
			"UPDATE statistics SET total = 0, heroes = -1, villains = 5000, since = NULL", func(r statistics.Report) bool {
			return r.Winners > 5 && r.Places > 5 && r.Since
		}},
		"a deleted fight": {"DELETE FROM fight WHERE number = 1", func(r statistics.Report) bool {
			return r.Corrected.Total == 59 && r.Winners == 1
		}},
		// If the deleted fights had the highest numbers, new fights reuse those numbers.
		"the last fights": {"DELETE FROM fight WHERE number > 20", func(r statistics.Report) bool {
			return r.Corrected.Total == 20
		}},
		"all fights": {"DELETE FROM fight", func(r statistics.Report) bool { return r.Corrected.Total == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			fights := statisticstest.Fights(80)
			at := countedNew(t, fights[:60]...)
			run(t, at.fights.db.Writes, c.spoil)
			report, err := at.store.Rebuild(t.Context())
			if err != nil || !report.Differed() || !c.says(report) {
				t.Errorf("%+v, %v", report, err)
			}
			for _, f := range fights[60:] {
				statisticstest.Insert(t, at.fights, f)
				statisticstest.CountAll(t, at.store)
			}
			at.exact(t)
		})
	}
}

// unreadable fills a store with fights, then corrupts some of their documents and one of their ids. It returns the
// numbers of the fights with corrupt documents.
func unreadable(t *testing.T, at counted, fights []fight.Fight) (bad map[int]any) {
	t.Helper()
	for _, f := range fights { // one by one, so that the fights are numbered from 1 in this order
		statisticstest.Insert(t, at.fights, f)
	}
	bad = map[int]any{3: "no JSON", 4: 5, 6: []byte{}, 8: fights[0].AppendJSON(nil)}
	for number, c := range map[int][2]string{
		5: {"}", ""}, 7: {`"winner_team":"`, `"winner_team":"x`}, 9: {`"level":`, `"level":-7e3`},
	} {
		bad[number] = strings.Replace(string(fights[number-1].AppendJSON(nil)), c[0], c[1], 1)
	}
	for number, document := range bad {
		run(t, at.fights.db.Writes, "UPDATE fight SET document = ? WHERE number = ?", document, number)
	}
	run(t, at.fights.db.Writes, "UPDATE fight SET id = x'beef' WHERE number = ?", len(fights)-1)
	return bad
}

// Reading an unreadable fight returns an error that names the fight; other fights are not affected.
func TestUnreadableFights(t *testing.T) {
	at, fights := openCounted(t, filepath.Join(t.TempDir(), "fights.db")), statisticstest.Fights(20)
	bad := unreadable(t, at, fights)
	for i, f := range fights {
		_, err := at.fights.Get(t.Context(), f.ID)
		row, unreadable := errors.AsType[*storage.RowError](err)
		if _, want := bad[i+1]; want != unreadable || unreadable && row.ID != f.ID.String() {
			t.Errorf("fight %d: %v", i+1, err)
		}
	}
	page, err := at.fights.Page(t.Context(), fights[12].ID, len(fights))
	if !errors.As(err, new(*storage.RowError)) || len(page) != 3 || page[2].ID != fights[9].ID { // numbers 12, 11 and 10
		t.Errorf("the page has %d fights (error: %v), want the 3 before the unreadable number 9", len(page), err)
	}
	if err := at.fights.Ping(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	if last, err := at.fights.Last(t.Context()); err != nil || last != fights[len(fights)-1].ID {
		t.Errorf("Last: %s, %v", last, err)
	}
}

// Both counting and rebuilding count each unreadable fight exactly once, as unreadable, before and after a restart.
func TestUnreadableAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fights.db")
	at := openCounted(t, path)
	want := len(unreadable(t, at, statisticstest.Fights(testBatch+20))) + 1
	var reported []string
	for {
		progress, err := at.store.Count(t.Context())
		must(t, err)
		for _, row := range progress.Unreadable {
			reported = append(reported, row.ID)
		}
		if progress.Counted == 0 {
			break
		}
	}
	slices.Sort(reported)
	if len(reported) != want || len(slices.Compact(reported)) != want {
		t.Errorf("the counts reported these unreadable fights: %v", reported)
	}
	check := func(s statistics.Store) {
		t.Helper()
		read, err := s.Read(t.Context())
		n, countErr := at.fights.Count(t.Context())
		if err != nil || countErr != nil || read.Total != n || read.Unreadable() != int64(want) {
			t.Errorf("%d fights, but the statistics are %+v; %v, %v", n, read, err, countErr)
		}
	}
	check(at.store)
	again := openCounted(t, path)
	statisticstest.CountAll(t, again.store)
	check(again.store)
	report, err := again.store.Rebuild(t.Context())
	if err != nil || report.Differed() || report.Corrected.Unreadable() != int64(want) {
		t.Errorf("%+v, %v", report, err)
	}
	check(again.store)
}

// Statistics stay exact while two rebuilds, a counter and inserts run concurrently.
func TestRebuildMeanwhile(t *testing.T) {
	fights := statisticstest.Fights(400)
	at := countedNew(t, fights[:100]...)
	run(t, at.fights.db.Writes, "UPDATE statistics SET total = 0; UPDATE statistics_winner SET wins = 99")
	var group errgroup.Group
	var done atomic.Int32
	for range 2 {
		other := openCounted(t, at.fights.db.path).store
		group.Go(func() error {
			defer done.Add(1)
			_, err := other.Rebuild(t.Context())
			return err
		})
	}
	for _, f := range fights[100:] {
		if _, err := at.store.Count(t.Context()); err != nil {
			t.Error(err)
		}
		if done.Load() == 2 {
			break
		}
		statisticstest.Insert(t, at.fights, f)
	}
	must(t, group.Wait())
	at.exact(t)
}

// A count that fails within its transaction is rolled back, and doesn't block inserts.
func TestFailedCount(t *testing.T) {
	fights := statisticstest.Fights(30)
	at := countedNew(t)
	run(t, at.fights.db.Writes, "ALTER TABLE statistics_place RENAME TO away")
	for len(fights) > 10 {
		statisticstest.Insert(t, at.fights, fights[:10]...)
		fights = fights[10:]
		if progress, err := at.store.Count(t.Context()); err == nil {
			t.Fatalf("counting succeeded even though a table is missing: %+v", progress)
		}
	}
	run(t, at.fights.db.Writes, "ALTER TABLE away RENAME TO statistics_place")
	statisticstest.Insert(t, at.fights, fights...)
	at.exact(t)
}

// BenchmarkCount measures the cost per fight of counting in batches.
func BenchmarkCount(b *testing.B) {
	const together = 4000
	at := openCounted(b, filepath.Join(b.TempDir(), "fights.db"))
	at.store.batch = usualBatch
	statisticstest.Insert(b, at.fights, statisticstest.Fights(together)...)
	for b.Loop() {
		if counted := statisticstest.CountAll(b, at.store); counted != together {
			b.Fatalf("counted %d", counted)
		}
		b.StopTimer()
		_, err := at.fights.db.Writes.Exec("UPDATE statistics SET counted = 0")
		must(b, err)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*together), "µs/fight")
}
