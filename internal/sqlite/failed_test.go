package sqlite

import (
	"path/filepath"
	"testing"

	"superheroes/internal/statistics/statisticstest"
)

// Counts that fail within their transaction block no fights, and are rolled back.
func TestFailedCount(t *testing.T) {
	at, fights := openCounted(t, filepath.Join(t.TempDir(), "fights.db")), statisticstest.Fights(30)
	change := func(query string) {
		t.Helper()
		if _, err := at.fights.File().Writes.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	statisticstest.Insert(t, at.fights, fights[:10]...)
	change("ALTER TABLE statistics_place RENAME TO away")
	for i := range 2 {
		if progress, err := at.store.Count(t.Context()); err == nil {
			t.Fatalf("counted without the table of places: %+v", progress)
		}
		statisticstest.Insert(t, at.fights, fights[10+5*i:15+5*i]...)
	}
	change("ALTER TABLE away RENAME TO statistics_place")
	statisticstest.Insert(t, at.fights, fights[20:]...)
	statisticstest.CountAll(t, at.store)
	statisticstest.Exact(t, at.store, fights)
}
