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

// roster measures the cost of fights with catalogs of several sizes, in strict, where each pick is a database read.
func (l *lab) roster(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	var trials []*trial
	for _, rows := range l.plan.Roster {
		of := s.add(func() (*system, error) { return l.upWithRoster(ctx, rows) })
		t := fights(withRows(upStrict, rows), of, usual)
		t.Size = rows
		trials = append(trials, t)
	}
	return s.series(r, roster, append([]*trial{floorTrial(s.fightFloor(trials[0].of), usual)}, trials...)...)
}

func withRows(name string, rows int) string { return fmt.Sprintf("%s, %d rows", name, rows) }

// upWithRoster starts every service in one process, with that many heroes and that many villains.
func (l *lab) upWithRoster(ctx context.Context, rows int) (*system, error) {
	folder, err := os.MkdirTemp(l.dir, "data-")
	if err != nil {
		return nil, err
	}
	first, err := l.up(ctx, strict, folder) // it creates the tables
	if err != nil {
		return nil, err
	}
	first.stop()
	for _, table := range []struct{ file, name string }{{"heroes.db", "hero"}, {"villains.db", "villain"}} {
		if err := fillSQLite(ctx, filepath.Join(folder, table.file), table.name, rows); err != nil {
			return nil, err
		}
	}
	return l.up(ctx, strict, folder)
}

// The rows have ids like the family's own, 1, 51, 101, …, and are about as long as the shipped ones.
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

// rosterAlone measures the same for random_hero on a single service on PostgreSQL.
func (l *lab) rosterAlone(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	var trials []*trial
	for _, rows := range l.plan.Roster {
		of := s.add(func() (*system, error) {
			return l.heroes(ctx, strict, func(ctx context.Context, url string) error { return l.fillPostgres(ctx, url, rows) })
		})
		t := heroOf(withRows(heroesStrict, rows), of)
		t.Size = rows
		trials = append(trials, t)
	}
	return s.series(r, rosterAlone, append([]*trial{floorTrial(s.floor(trials[0].of, measure.Heroes, randomHeroPath), usual)}, trials...)...)
}

// fillPostgres lets the service create its table, and replaces the shipped rows with that many others.
func (l *lab) fillPostgres(ctx context.Context, url string, rows int) (err error) {
	first, err := newSystem(func(s *system) error { return l.alone(ctx, s, measure.Heroes, []string{"DATABASE_URL=" + url}) })
	if err != nil {
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

// stored measures the cost of fights depending on how many are stored already, on SQLite. The empty store is recreated for each
// run; the others grow by the fights of their runs.
func (l *lab) stored(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	var trials []*trial
	var first *system
	for _, n := range l.plan.Stored {
		of := s.up(eco)
		t := fights(withFights(upEco, n), of, usual)
		t.Size = n
		if n == 0 {
			first, t.warmup = of, newStoreWarmup
			t.fresh = func(ctx context.Context) (*system, error) { return l.up(ctx, eco, "") }
		} else if s.err == nil {
			s.err = l.fight(ctx, of, n)
		}
		trials = append(trials, t)
	}
	return s.series(r, stored, append([]*trial{floorTrial(s.fightFloor(first), usual)}, trials...)...)
}

// newStoreWarmup is the warm-up of a new store, long enough that its file has grown for a while.
const newStoreWarmup = 3 * time.Second

func withFights(name string, n int) string { return fmt.Sprintf("%s, %d stored", name, n) }

// fight stores at least that many fights, using the load generator.
func (l *lab) fight(ctx context.Context, of *system, wanted int) error {
	mix, err := measure.ParseMix(executeFight)
	if err != nil {
		return err
	}
	for have := int64(0); have < int64(wanted); {
		report, err := measure.Members(ctx, measure.Options{
			Mix: mix, Targets: []measure.Target{of.target("filling")}, Connections: 128, Duration: 2 * time.Second, Timeout: 10 * time.Second, Rounds: 1,
		})
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return measure.ErrInterrupted
		}
		if have += report.Series[0].Members[0].Runs[0].Counts.Acknowledged; have == 0 {
			return errors.New("could not store any fights")
		}
	}
	l.say("%s: stored %d fights", stored, wanted)
	return nil
}
