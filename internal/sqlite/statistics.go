package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/sqltable"
	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// usualBatch is the maximum number of fights that are counted in one transaction.
const usualBatch = 4096

// Statistics is a statistics.Store in the same file as the fights. Each fight is numbered in the transaction that
// stores it, and SQLite runs one write transaction at a time. So exactly the fights with a number above that of the
// last counted fight have yet to be counted, regardless of the order of their ids. That number and the totals are
// updated in one transaction.
type Statistics struct {
	db    *DB
	batch int64
}

var _ statistics.Store = (*Statistics)(nil)

// tablesAreReadable returns queries that fail unless all tables exist with all columns.
func tablesAreReadable() []string {
	return []string{
		"SELECT counted, version, corrections, total, heroes, villains, since FROM statistics",
		"SELECT name, team, wins FROM statistics_winner LIMIT 1",
		"SELECT name, fights FROM statistics_place LIMIT 1",
		"SELECT number, document FROM fight LIMIT 1",
	}
}

// NewStatistics returns the statistics store in the file that holds the fights, and creates missing tables. The two
// stores share one write connection.
func NewStatistics(ctx context.Context, db *DB, schema string) (*Statistics, error) {
	if err := db.create(ctx, "the tables of statistics", schema, tablesAreReadable()...); err != nil {
		return nil, err
	}
	return &Statistics{db, usualBatch}, nil
}

// Ping implements statistics.Store. Ping runs the same queries as requests do.
func (s *Statistics) Ping(ctx context.Context) error { return s.db.ping(ctx, tablesAreReadable()...) }

// Count implements statistics.Store. Count reads the fights before taking the write lock, which is held only to update
// the sums.
func (s *Statistics) Count(ctx context.Context) (statistics.Progress, error) {
	return read(s.db, func() (progress statistics.Progress, err error) {
		var counted int64
		err = s.db.Reads.QueryRowContext(ctx, "SELECT counted, version FROM statistics").Scan(&counted, &progress.Version)
		if err != nil {
			return progress, err
		}
		tally, last, unreadable, err := tallyUp(ctx, s.db.Reads, "WHERE number > ? ORDER BY number LIMIT ?", counted, s.batch)
		if err != nil || tally.Total == 0 {
			return progress, err
		}
		_, err = s.db.inTx(ctx, func(tx *sql.Conn) (err error) {
			progress.Version, err = addTally(context.WithoutCancel(ctx), tx, tally, "counted = ?", last, counted)
			return err
		})
		if errors.Is(err, errMoved) { // another process has counted the same fights
			return statistics.Progress{More: true}, nil
		}
		progress.Counted, progress.More, progress.Unreadable = int(tally.Total), tally.Total == s.batch, unreadable
		return progress, err
	})
}

// tallyUp sums up the selected fights. It also returns the number of the last fight, and an error for each unreadable
// fight.
func tallyUp(ctx context.Context, from sqltable.Querier, selected string, args ...any) (
	tally *statistics.Tally, last int64, unreadable []*storage.RowError, err error,
) {
	tally = statistics.NewTally()
	var id, document sql.RawBytes
	err = sqltable.Each(ctx, from, func(rows *sql.Rows) error {
		if err := rows.Scan(&last, &id, &document); err != nil {
			return err
		}
		outcome, err := parse(id, document, fight.ParseOutcome)
		if row, bad := errors.AsType[*storage.RowError](err); bad {
			tally.AddUnreadable()
			unreadable = append(unreadable, row)
			return nil
		}
		tally.Add(outcome)
		return nil
	}, "SELECT number, id, document FROM fight "+selected, args...)
	return tally, last, unreadable, err
}

// errMoved reports that an update failed because the statistics have changed since they were read.
var errMoved = errors.New("the statistics have changed since they were read")

// addTally adds the counts in a tally to the stored statistics and sets a column to value. If the column no longer
// contains the given old value, addTally changes nothing and returns errMoved. The SQL expression in expected has one
// placeholder and is used twice: to assign the new value and to check the old one. addTally returns the new version.
func addTally(
	ctx context.Context, tx *sql.Conn, tally *statistics.Tally, expected string, value, was int64,
) (version int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE statistics SET version = version + 1, total = total + ?, heroes = heroes + ?,
		villains = villains + ?, since = min(ifnull(since, ?), ifnull(?, since)), 
		`+expected+` WHERE `+expected+` RETURNING version`,
		tally.Total, tally.Heroes, tally.Villains, moment(tally.Since), moment(tally.Since), value, was).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errMoved
	}
	if err != nil {
		return 0, err
	}
	err = addEach(ctx, tx, `INSERT INTO statistics_winner (name, team, wins) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET wins = wins + excluded.wins`, tally.Winners,
		func(who statistics.Fighter, wins int64) []any { return []any{who.Name, string(who.Team), wins} })
	if err != nil {
		return 0, err
	}
	return version, addEach(ctx, tx, `INSERT INTO statistics_place (name, fights) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET fights = fights + excluded.fights`, tally.Places,
		func(name string, fights int64) []any { return []any{name, fights} })
}

// addEach executes a statement for each entry in numbers, with the arguments that args returns.
func addEach[K comparable](
	ctx context.Context, tx *sql.Conn, query string, numbers map[K]int64, args func(K, int64) []any,
) (err error) {
	statement, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	for key, n := range numbers {
		if _, err := statement.ExecContext(ctx, args(key, n)...); err != nil {
			return err
		}
	}
	return nil
}

// moment returns the stored form of a time: nil for the zero time.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Read implements statistics.Store. All parts of the result come from one snapshot.
func (s *Statistics) Read(ctx context.Context) (statistics.Statistics, error) {
	return read(s.db, func() (result statistics.Statistics, err error) {
		err = s.snapshot(ctx, func(tx *sql.Tx) error {
			sums, err := readSums(ctx, tx)
			if err != nil {
				return err
			}
			result.Total, result.Heroes, result.Villains = sums.Total, sums.Heroes, sums.Villains
			result.Since, result.Version = sums.since, sums.version
			result.Winners, err = readWinners(ctx, tx, "WHERE wins > 0 ORDER BY wins DESC, name, team LIMIT ?", statistics.Most)
			if err != nil {
				return err
			}
			result.Places, err = readPlaces(ctx, tx, "WHERE fights > 0 ORDER BY fights DESC, name LIMIT ?", statistics.Most)
			return err
		})
		return result, err
	})
}

// snapshot calls do within a read-only transaction.
func (s *Statistics) snapshot(ctx context.Context, do func(tx *sql.Tx) error) error {
	return sqltable.InTx(ctx, s.db.Reads, &sql.TxOptions{ReadOnly: true}, do)
}

// sums holds the single row of the statistics table.
type sums struct {
	statistics.Sums
	counted, version, corrections int64
	since                         time.Time
}

func readSums(ctx context.Context, tx *sql.Tx) (s sums, err error) {
	var since sql.NullInt64
	err = tx.QueryRowContext(ctx, "SELECT counted, version, corrections, total, heroes, villains, since FROM statistics").
		Scan(&s.counted, &s.version, &s.corrections, &s.Total, &s.Heroes, &s.Villains, &since)
	if since.Valid {
		s.since = time.UnixMilli(since.Int64).UTC()
	}
	return s, err
}

func readWinners(ctx context.Context, tx *sql.Tx, clause string, args ...any) (winners []statistics.Winner, err error) {
	err = sqltable.Each(ctx, tx, func(rows *sql.Rows) error {
		var winner statistics.Winner
		err := rows.Scan(&winner.Name, &winner.Team, &winner.Wins)
		winners = append(winners, winner)
		return err
	}, "SELECT name, team, wins FROM statistics_winner "+clause, args...)
	return winners, err
}

func readPlaces(ctx context.Context, tx *sql.Tx, clause string, args ...any) (places []statistics.Place, err error) {
	err = sqltable.Each(ctx, tx, func(rows *sql.Rows) error {
		var place statistics.Place
		err := rows.Scan(&place.Name, &place.Fights)
		places = append(places, place)
		return err
	}, "SELECT name, fights FROM statistics_place "+clause, args...)
	return places, err
}

// Rebuild implements statistics.Store. Rebuild compares the totals with the counted fights in one snapshot, and then
// adds the difference to the current totals. Since sums can be added in any order, a rebuild blocks no other operation,
// and is correct even if fights are counted in the meantime.
func (s *Statistics) Rebuild(ctx context.Context) (statistics.Report, error) {
	for {
		found, err := s.recount(ctx)
		if err != nil {
			return statistics.Report{}, fmt.Errorf("recounting: %w", s.db.trouble(err))
		}
		report := statistics.ReportOn(found.stored, found.actual)
		if !report.Differed() && found.last == found.counted {
			return report, nil
		}
		err = s.correct(ctx, found)
		if errors.Is(err, errMoved) { // another rebuild has changed the statistics
			continue
		}
		return report, err
	}
}

// recount holds the stored and the recounted statistics of one snapshot.
type recount struct {
	sums
	stored, actual *statistics.Tally
	last           int64 // number of the last counted fight that still exists
}

func (s *Statistics) recount(ctx context.Context) (found recount, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		if found.sums, err = readSums(ctx, tx); err != nil {
			return err
		}
		if found.stored, err = readTally(ctx, tx, found.sums); err != nil {
			return err
		}
		found.actual, found.last, _, err = tallyUp(ctx, tx, "WHERE number <= ? ORDER BY number", found.counted)
		return err
	})
	return found, err
}

func readTally(ctx context.Context, tx *sql.Tx, of sums) (*statistics.Tally, error) {
	tally := statistics.NewTally()
	tally.Sums, tally.Since = of.Sums, of.since
	winners, err := readWinners(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	for _, w := range winners {
		tally.Winners[statistics.Fighter{Name: w.Name, Team: w.Team}] = w.Wins
	}
	places, err := readPlaces(ctx, tx, "")
	for _, p := range places {
		tally.Places[p.Name] = p.Fights
	}
	return tally, err
}

// correct applies the result of a recount to the totals. The earliest date is replaced if it still has the wrong value.
// If the last counted fights were deleted, new fights will reuse their numbers, so counting continues after the last
// existing fight.
func (s *Statistics) correct(ctx context.Context, found recount) error {
	lasting := context.WithoutCancel(ctx)
	_, err := s.db.inTx(ctx, func(tx *sql.Conn) error {
		_, err := tx.ExecContext(lasting, "UPDATE statistics SET since = ? WHERE since IS ? AND corrections = ?",
			moment(found.actual.Since), moment(found.since), found.corrections)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(lasting, "UPDATE statistics SET counted = ? WHERE counted = ? AND corrections = ?",
			found.last, found.counted, found.corrections)
		if err != nil {
			return err
		}
		difference := found.actual.Minus(found.stored)
		difference.Since = found.actual.Since
		_, err = addTally(lasting, tx, difference, "corrections = ?", found.corrections+1, found.corrections)
		return err
	})
	return err
}
