package sqlite

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/statistics"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/internal/storage"
)

// testBatch is small, so that a few fights make several batches.
const testBatch = 40

// counted is one of the stores of fights and statistics in a file.
type counted struct {
	fights *Fights
	store  *Statistics
}

func openCounted(tb testing.TB, path string) counted {
	tb.Helper()
	fights, err := OpenFights(tb.Context(), path, database.SQLiteFight, Grouped(true))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := fights.Close(); err != nil {
			tb.Error(err)
		}
	})
	store, err := NewStatistics(tb.Context(), fights.File(), database.SQLiteStatistics)
	if err != nil {
		tb.Fatal(err)
	}
	store.batch = testBatch
	return counted{fights, store}
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
		"winners": {"UPDATE statistics_winner SET wins = 99 WHERE name IN ('hero 2', 'villain 1')", func(r statistics.Report) bool {
			return r.Winners == 2 && r.Places == 0 && r.Total == r.Corrected
		}},
		"winners without a win": {"INSERT INTO statistics_winner VALUES ('nobody', 'heroes', 3)", func(r statistics.Report) bool { return r.Winners == 1 }},
		"missing places":        {"DELETE FROM statistics_place WHERE name < 'place 4'", func(r statistics.Report) bool { return r.Places > 2 && r.Winners == 0 }},
		"the first date":        {"UPDATE statistics SET since = 1", func(r statistics.Report) bool { return r.Since && r.Winners == 0 }},
		"no date":               {"UPDATE statistics SET since = NULL", func(r statistics.Report) bool { return r.Since }},
		"everything": {"DELETE FROM statistics_winner; DELETE FROM statistics_place; UPDATE statistics SET total = 0, heroes = -1, villains = 5000, since = NULL",
			func(r statistics.Report) bool { return r.Winners > 5 && r.Places > 5 && r.Since }},
		"a deleted fight": {"DELETE FROM fight WHERE number = 1", func(r statistics.Report) bool { return r.Corrected.Total == 59 && r.Winners == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			at, fights := openCounted(t, filepath.Join(t.TempDir(), "fights.db")), statisticstest.Fights(100)
			statisticstest.Insert(t, at.fights, fights[:60]...)
			statisticstest.CountAll(t, at.store)
			if _, err := at.fights.File().Writes.Exec(c.spoil); err != nil {
				t.Fatal(err)
			}
			statisticstest.Insert(t, at.fights, fights[60:]...)
			report, err := at.store.Rebuild(t.Context())
			if err != nil || !report.Differed() || !c.says(report) {
				t.Errorf("%+v, %v", report, err)
			}
			statisticstest.CountAll(t, at.store)
			statisticstest.Exact(t, at.store, stored(t, at.fights))
			if report, err := at.store.Rebuild(t.Context()); err != nil || report.Differed() {
				t.Errorf("second rebuild: %+v, %v", report, err)
			}
		})
	}
}

// A row that can't be read counts once, as unreadable, and later rows are counted too: before and after a restart, by
// counting and by a rebuild. These are the rows that reads reject.
func TestUnreadableAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fights.db")
	at, fights := openCounted(t, path), statisticstest.Fights(testBatch+20)
	statisticstest.Insert(t, at.fights, fights...)
	spoil := func(query string, args ...any) {
		t.Helper()
		if _, err := at.fights.File().Writes.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	spoil("UPDATE fight SET document = 'no JSON' WHERE number = 3")
	spoil("UPDATE fight SET document = substr(document, 1, 500) WHERE number = 5")
	spoil("UPDATE fight SET document = replace(document, '\"winner_team\":\"', '\"winner_team\":\"x') WHERE number = 7")
	spoil("UPDATE fight SET document = replace(document, '\"level\":', '\"level\":-7e3') WHERE number = 9")
	spoil("UPDATE fight SET id = x'beef' WHERE number = ?", testBatch+1)
	var told []string
	for {
		progress, err := at.store.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range progress.Unreadable {
			told = append(told, row.ID)
		}
		if progress.Counted == 0 {
			break
		}
	}
	slices.Sort(told)
	if compact := slices.Compact(slices.Clone(told)); len(compact) != 5 || len(told) != 5 {
		t.Errorf("reported %v", told)
	}
	unread := 0
	for _, f := range fights {
		_, err := at.fights.Get(t.Context(), f.ID)
		var row *storage.RowError
		if errors.As(err, &row) {
			unread++
		}
	}
	if unread != 4 { // the fifth doesn't have the id of a fight
		t.Errorf("%d fights can't be read", unread)
	}
	if _, err := at.fights.Page(t.Context(), fight.MaxID(), len(fights)); !errors.As(err, new(*storage.RowError)) {
		t.Errorf("the list returned %v", err)
	}
	check := func(s statistics.Store) {
		t.Helper()
		read, err := s.Read(t.Context())
		n, countErr := at.fights.Count(t.Context())
		if err != nil || countErr != nil || read.Total != n || read.Unreadable() != 5 {
			t.Errorf("%d fights, but the statistics are %+v; %v, %v", n, read, err, countErr)
		}
	}
	check(at.store)
	again := openCounted(t, path)
	statisticstest.CountAll(t, again.store)
	check(again.store)
	if report, err := again.store.Rebuild(t.Context()); err != nil || report.Differed() || report.Corrected.Unreadable() != 5 {
		t.Errorf("%+v, %v", report, err)
	}
	check(again.store)
	if last, err := again.fights.Last(t.Context()); err != nil || !last.Ours() {
		t.Errorf("Last: %s, %v", last, err)
	}
}

// New fights reuse the numbers of deleted ones at the end. After a rebuild they are counted, and so are later ones.
func TestRebuildOfDeleted(t *testing.T) {
	for name, left := range map[string]int{"all are deleted": 0, "the last ones are deleted": 20} {
		t.Run(name, func(t *testing.T) {
			at, fights := openCounted(t, filepath.Join(t.TempDir(), "fights.db")), statisticstest.Fights(50)
			statisticstest.Insert(t, at.fights, fights[:30]...)
			statisticstest.CountAll(t, at.store)
			if _, err := at.fights.File().Writes.Exec("DELETE FROM fight WHERE number > ?", left); err != nil {
				t.Fatal(err)
			}
			if report, err := at.store.Rebuild(t.Context()); err != nil || report.Corrected.Total != int64(left) {
				t.Errorf("%+v, %v", report, err)
			}
			for _, f := range fights[30:] {
				statisticstest.Insert(t, at.fights, f)
				statisticstest.CountAll(t, at.store)
			}
			statisticstest.Exact(t, at.store, stored(t, at.fights))
			if report, err := at.store.Rebuild(t.Context()); err != nil || report.Differed() {
				t.Errorf("second rebuild: %+v, %v", report, err)
			}
		})
	}
}

// Two rebuilds, a counter and inserts run at the same time.
func TestRebuildMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fights.db")
	at, fights := openCounted(t, path), statisticstest.Fights(400)
	statisticstest.Insert(t, at.fights, fights[:100]...)
	statisticstest.CountAll(t, at.store)
	if _, err := at.fights.File().Writes.Exec("UPDATE statistics SET total = 0; UPDATE statistics_winner SET wins = 99"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 2)
	for range 2 {
		other := openCounted(t, path).store
		go func() {
			defer func() { done <- struct{}{} }()
			if _, err := other.Rebuild(t.Context()); err != nil {
				t.Error(err)
			}
		}()
	}
	for ended := 0; ended < 2; {
		if _, err := at.store.Count(t.Context()); err != nil {
			t.Error(err)
		}
		select {
		case <-done:
			ended++
		default:
			if n := int64(len(fights)); n > 100 {
				statisticstest.Insert(t, at.fights, fights[n-1])
				fights = fights[:n-1]
			}
		}
	}
	statisticstest.CountAll(t, at.store)
	statisticstest.Exact(t, at.store, stored(t, at.fights))
}

// stored returns all fights.
func stored(t *testing.T, from fight.Store) []fight.Fight {
	t.Helper()
	all, err := from.Page(t.Context(), fight.MaxID(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// BenchmarkCount measures the cost of counting per fight, in batches.
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
		if _, err := at.fights.File().Writes.Exec("UPDATE statistics SET counted = 0"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*together), "µs/fight")
}
