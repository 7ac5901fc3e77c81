package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// usualBatch is how many fights are counted in one transaction.
const usualBatch = 4096

// Statistics is a statistics.Store in the file of the fights. A fight's number is assigned in the transaction that
// stores it, and SQLite runs one such transaction at a time. So whatever follows the last counted number is uncounted,
// in whatever order the ids are. That number changes together with the totals, in one transaction.
type Statistics struct {
	db    *DB
	batch int64
}

var _ statistics.Store = (*Statistics)(nil)

// NewStatistics returns the store in the file that holds the fights, whose writer it shares, and creates missing
// tables.
func NewStatistics(ctx context.Context, db *DB, schema string) (*Statistics, error) {
	s := &Statistics{db, usualBatch}
	if _, err := db.Writes.ExecContext(ctx, schema); err != nil {
		if err = db.Waited(err); !errors.Is(err, storage.ErrFull) || s.readable(ctx) != nil {
			return nil, fmt.Errorf("creating the tables of statistics: %w", err)
		}
	}
	if err := s.readable(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// readable checks that the tables exist with their columns.
func (s *Statistics) readable(ctx context.Context) error {
	return s.db.Readable(ctx,
		"SELECT counted, version, corrections, total, heroes, villains, since FROM statistics",
		"SELECT name, team, wins FROM statistics_winner LIMIT 1",
		"SELECT name, fights FROM statistics_place LIMIT 1",
		"SELECT number, document FROM fight LIMIT 1")
}

// Count implements statistics.Store. It reads the fights before taking the write lock, which is held only to update the
// sums.
func (s *Statistics) Count(ctx context.Context) (progress statistics.Progress, err error) {
	if err := s.db.Check(); err != nil {
		return progress, err
	}
	defer func() { err = s.db.Trouble(err) }()
	var counted int64
	err = s.db.Reads.QueryRowContext(ctx, "SELECT counted, version FROM statistics").Scan(&counted, &progress.Version)
	if err != nil {
		return progress, err
	}
	tally := statistics.NewTally()
	last, unreadable, err := addFights(ctx, s.db.Reads, tally, "WHERE number > ? ORDER BY number LIMIT ?", counted, s.batch)
	if err != nil || tally.Total == 0 {
		return progress, err
	}
	progress.Counted, progress.More = int(tally.Total), tally.Total == s.batch
	progress.Unreadable = unreadable
	progress.Version, err = s.add(ctx, tally, "counted = ?", last, counted)
	if errors.Is(err, errMoved) { // another process counted the same fights
		return statistics.Progress{Version: progress.Version, More: true}, nil
	}
	return progress, err
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// addFights adds the selected fights to the tally. It returns the number of the last one, and those that can't be read.
func addFights(ctx context.Context, from querier, tally *statistics.Tally, chosen string, args ...any) (last int64, unreadable []*storage.RowError, err error) {
	rows, err := from.QueryContext(ctx, "SELECT number, id, document FROM fight "+chosen, args...)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var id, document sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&last, &id, &document); err != nil {
			return 0, nil, err
		}
		outcome, err := ParseOutcome(id, document)
		var row *storage.RowError
		if errors.As(err, &row) {
			tally.AddUnreadable()
			unreadable = append(unreadable, row)
			continue
		}
		tally.Add(outcome)
	}
	return last, unreadable, rows.Err()
}

// errMoved means that the statistics have changed since they were read.
var errMoved = errors.New("the statistics have changed since they were read")

// add adds the tally and sets the column in expected to value, provided it still has the value was; otherwise it
// returns errMoved. It returns the new version.
func (s *Statistics) add(ctx context.Context, tally *statistics.Tally, expected string, value, was int64) (version int64, err error) {
	err = s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		version, err = addSums(ctx, conn, tally, expected, value, was)
		if err != nil {
			return err
		}
		return addParts(ctx, conn, tally)
	})
	return version, err
}

func addSums(ctx context.Context, conn *sql.Conn, tally *statistics.Tally, expected string, value, was int64) (version int64, err error) {
	err = conn.QueryRowContext(ctx, `UPDATE statistics SET version = version + 1, total = total + ?, heroes = heroes + ?,
		villains = villains + ?, since = min(ifnull(since, ?), ifnull(?, since)), `+expected+` WHERE `+expected+` RETURNING version`,
		tally.Total, tally.Heroes, tally.Villains, moment(tally.Since), moment(tally.Since), value, was).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errMoved
	}
	return version, err
}

func addParts(ctx context.Context, conn *sql.Conn, tally *statistics.Tally) (err error) {
	winner, err := conn.PrepareContext(ctx, `INSERT INTO statistics_winner (name, team, wins) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET wins = wins + excluded.wins`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, winner.Close()) }()
	for who, wins := range tally.Winners {
		if _, err := winner.ExecContext(ctx, who.Name, string(who.Team), wins); err != nil {
			return err
		}
	}
	place, err := conn.PrepareContext(ctx, `INSERT INTO statistics_place (name, fights) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET fights = fights + excluded.fights`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	for name, fights := range tally.Places {
		if _, err := place.ExecContext(ctx, name, fights); err != nil {
			return err
		}
	}
	return nil
}

// write runs work in one transaction. It waits for its turn as long as ctx allows. A failed transaction is rolled back
// explicitly: the connection is shared with the fights, and would live on with its locks as long as their statements
// do.
func (s *Statistics) write(ctx context.Context, work func(context.Context, *sql.Conn) error) (err error) {
	conn, err := s.db.Writes.Conn(ctx)
	if err != nil {
		return fmt.Errorf("waiting for the writer: %w", s.db.Waited(err))
	}
	defer func() { _ = conn.Close() }() // returns it to the pool
	lasting := context.WithoutCancel(ctx)
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(lasting, "ROLLBACK") // fails if SQLite has rolled back by itself
		}
	}()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("waiting for the write lock: %w", s.db.Waited(err))
	}
	if err := s.db.Begun(); err != nil {
		return err
	}
	if err := work(lasting, conn); err != nil {
		return err
	}
	if _, err = conn.ExecContext(lasting, "COMMIT"); err != nil {
		return err
	}
	return s.db.Committed()
}

// moment returns a time as it is stored, nil for none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Read implements statistics.Store, in one snapshot.
func (s *Statistics) Read(ctx context.Context) (read statistics.Statistics, err error) {
	if err := s.db.Check(); err != nil {
		return read, err
	}
	defer func() { err = s.db.Trouble(err) }()
	tx, err := s.db.Reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return read, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	sums, err := readSums(ctx, tx)
	if err != nil {
		return read, err
	}
	read = statistics.Statistics{Total: sums.Total, Heroes: sums.Heroes, Villains: sums.Villains, Since: sums.since, Version: sums.version}
	err = each(ctx, tx, "SELECT name, team, wins FROM statistics_winner WHERE wins > 0 ORDER BY wins DESC, name, team LIMIT ?",
		func(rows *sql.Rows) error {
			var winner statistics.Winner
			err := rows.Scan(&winner.Name, &winner.Team, &winner.Wins)
			read.Winners = append(read.Winners, winner)
			return err
		}, statistics.Most)
	if err != nil {
		return read, err
	}
	return read, each(ctx, tx, "SELECT name, fights FROM statistics_place WHERE fights > 0 ORDER BY fights DESC, name LIMIT ?",
		func(rows *sql.Rows) error {
			var place statistics.Place
			err := rows.Scan(&place.Name, &place.Fights)
			read.Places = append(read.Places, place)
			return err
		}, statistics.Most)
}

// sums is the only row of the table statistics.
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

// each calls take for every row.
func each(ctx context.Context, tx *sql.Tx, query string, take func(*sql.Rows) error, args ...any) (err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Ping implements statistics.Store. It reads like requests do.
func (s *Statistics) Ping(ctx context.Context) error {
	if err := s.db.Ping(ctx); err != nil {
		return err
	}
	return s.readable(ctx)
}
