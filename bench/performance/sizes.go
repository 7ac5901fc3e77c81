package performance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver

	"superheroes/bench/measure"
)

// roster measures the cost of fights with catalogs of several sizes, in the strict profile, in which each random pick
// is a database read.
func (s *setup) roster() error {
	var trials []*trial
	for _, rows := range s.plan.Roster {
		t := fights(withRows(upStrict, rows), s.upWithRoster(rows), usual)
		t.Size = rows
		trials = append(trials, t)
	}
	return s.series(roster, trials...)
}

func withRows(name string, rows int) string { return fmt.Sprintf("%s, %d rows", name, rows) }

// upWithRoster starts all services in one process, with the given number of rows for heroes and for villains.
func (s *setup) upWithRoster(rows int) *system {
	return s.add(func(of *system) error {
		folder, err := os.MkdirTemp(s.dir, "data-")
		if err != nil {
			return err
		}
		if err := of.up(strict, folder); err != nil { // creates the tables
			return err
		}
		of.stop()
		of.parts = nil
		for _, table := range []struct{ file, name string }{{"heroes.db", "hero"}, {"villains.db", "villain"}} {
			if err := fillSQLite(s.ctx, filepath.Join(folder, table.file), table.name, rows); err != nil {
				return err
			}
		}
		return of.up(strict, folder)
	})
}

// The generated rows have ids like the family's own (1, 51, 101, …) and are about as long as the shipped rows.
const rowColumns = "(id, level, name, othername, picture, powers)"

func fillSQLite(ctx context.Context, path, table string, rows int) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, statement := range []string{
		"DELETE FROM " + table,
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)
			INSERT INTO %s %s SELECT 1 + 50 * i, i %% 300000, 'fighter ' || i, 'the other ' || i,
			'/api/pictures/' || i || '.svg', 'Telekinesis, Foresight, Patience' FROM n`, rows, table, rowColumns),
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("filling %s: %w", table, err)
		}
	}
	return nil
}

// rosterAlone measures the cost of a random_hero request for rosters of several sizes, on a single service with
// PostgreSQL.
func (s *setup) rosterAlone() error {
	var trials []*trial
	for _, rows := range s.plan.Roster {
		fill := func(url string) error { return s.fillPostgres(url, rows) }
		t := heroOf(withRows(heroesStrict, rows), s.heroes(strict, fill))
		t.Size = rows
		trials = append(trials, t)
	}
	return s.series(rosterAlone, trials...)
}

// fillPostgres lets the service create its table, then replaces the shipped rows with the given number of generated
// rows.
func (s *setup) fillPostgres(url string, rows int) (err error) {
	ctx, first := s.ctx, s.newSystem()
	defer first.stop()
	if err := first.alone(measure.Heroes, []string{"DATABASE_URL=" + url}); err != nil {
		return err
	}
	first.stop()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, statement := range []string{
		"TRUNCATE hero",
		fmt.Sprintf(`INSERT INTO hero %s SELECT 1 + 50 * i, i %% 300000, 'fighter ' || i, 'the other ' || i,
			'/api/pictures/' || i || '.svg', 'Telekinesis, Foresight, Patience' FROM generate_series(0, %d) AS i`, rowColumns, rows-1),
		"VACUUM ANALYZE hero",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("filling hero: %w", err)
		}
	}
	return nil
}

// stored measures how the cost of a fight on SQLite depends on the number of fights already stored. The store that
// starts out empty is recreated for each run; in the other stores, fights accumulate from run to run.
func (s *setup) stored() error {
	var trials []*trial
	for _, n := range s.plan.Stored {
		t := fights(withFights(upEco, n), s.up(eco), usual)
		t.Size = n
		if n == 0 {
			t.warmup, t.fresh = newStoreWarmup, func() *system { return s.up(eco) }
		} else if s.err == nil {
			s.err = s.fight(t.of, n)
		}
		trials = append(trials, t)
	}
	return s.series(stored, trials...)
}

// newStoreWarmup is the warm-up time for a new store, long enough for the database file to grow for a while.
const newStoreWarmup = 3 * time.Second

func withFights(name string, n int) string { return fmt.Sprintf("%s, %d stored", name, n) }

// fight uses the load generator to store at least the wanted number of fights.
func (s *setup) fight(of *system, wanted int) error {
	filling := &trial{Cell: Cell{Name: "filling", Mix: executeFight, Connections: 128}, measured: 2 * time.Second}
	for have := int64(0); have < int64(wanted); {
		run, _, err := s.run(filling, of)
		if err != nil {
			return err
		}
		if have += run.Counts.Acknowledged; have == 0 {
			return errors.New("could not store any fights")
		}
	}
	s.say("%s: stored %d fights", stored, wanted)
	return nil
}
