// Package postgres stores a catalog in PostgreSQL. It fulfils the contract of catalog.Store, and maps the server's
// errors to the error kinds in package storage. The package depends on neither HTTP nor the other engines.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Config holds the address of the database and the size of the connection pool.
type Config struct {
	URL              string
	PoolMin, PoolMax int
	Schema           string // SQL that creates the table and its sequence
	// Deadline is the maximum duration of a request. Statements wait for a lock for at most four fifths of the
	// deadline, so that the error names the cause before the request times out. With a Deadline of 0, for programs that
	// may wait, the server's own limit applies.
	Deadline time.Duration
}

// Catalog is a catalog.Store backed by a PostgreSQL table.
type Catalog[T catalog.Item] struct {
	pool     *connections
	poolMax  int
	table    catalog.Table[T]
	sql      statements
	readOnly bool

	works   works
	damaged atomic.Pointer[reading] // the last read that failed because of damaged data
}

var _ catalog.Store[catalog.Item] = (*Catalog[catalog.Item])(nil)

// Measure adds the metrics of the connection pool.
func (s *Catalog[T]) Measure(m *telemetry.Metrics) {
	m.Pool(s.table.Name, func() telemetry.PoolStats {
		stat := s.pool.Stat()
		return telemetry.PoolStats{
			Idle: int(stat.IdleConns()), Used: int(stat.AcquiredConns()), Max: int(stat.MaxConns()),
			Waits: stat.EmptyAcquireCount() + stat.CanceledAcquireCount(), Waited: stat.EmptyAcquireWaitTime(),
		}
	})
}

// Open connects to the database, creates and seeds the table if it is missing, and checks an existing table. Open
// doesn't retry.
func Open[T catalog.Item](ctx context.Context, table catalog.Table[T], cfg Config, seed catalog.Feed[T]) (*Catalog[T], error) {
	pool, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Catalog[T]{
		pool: pool, poolMax: cfg.PoolMax, table: table, sql: newStatements(table), works: newWorks(cfg.PoolMax, cfg.Deadline),
	}
	if err := s.open(ctx, cfg.Schema, seed); err != nil {
		_ = s.Close()
		return nil, causeOf(ctx, err)
	}
	return s, nil
}

func (s *Catalog[T]) open(ctx context.Context, schema string, seed catalog.Feed[T]) error {
	if err := s.pool.checkPooler(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx, schema, seed); err != nil {
		return err
	}
	if err := s.checkShape(ctx); err != nil {
		return err
	}
	return s.Ping(ctx)
}

// Writable returns an error if the server or session was read-only when the store was opened.
func (s *Catalog[T]) Writable(context.Context) error {
	if s.readOnly {
		return storage.Errorf(storage.ErrFull, "the PostgreSQL server or session is read-only")
	}
	return nil
}

// Get implements catalog.Store.
func (s *Catalog[T]) Get(ctx context.Context, id int64) (T, error) {
	return readRows(ctx, s, s.works.ByKey, func(ctx context.Context, conn *pgxpool.Conn) (T, error) {
		item, err := catalog.ScanRow(s.table, s.scan(conn.QueryRow(ctx, s.sql.get, id)))
		if errors.Is(err, pgx.ErrNoRows) {
			err = catalog.ErrNotFound
		}
		return item, err
	})
}

// GetMany implements catalog.Store.
func (s *Catalog[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	return s.collect(ctx, s.works.ByKey, s.sql.many, ids)
}

// Page implements catalog.Store.
func (s *Catalog[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	return s.collect(ctx, s.works.Lists, s.sql.page, after, limit)
}

// collect runs a query and returns all of its rows.
func (s *Catalog[T]) collect(ctx context.Context, work *bounded.Work, query string, args ...any) ([]T, error) {
	return readRows(ctx, s, work, func(ctx context.Context, conn *pgxpool.Conn) ([]T, error) {
		rows, err := conn.Query(ctx, query, args...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return catalog.ScanRow(s.table, s.scan(row)) })
	})
}

// scan scans a row into an item's fields. If a value doesn't fit its field, the error names the column, unlike the
// driver's own error.
func (s *Catalog[T]) scan(row pgx.Row) func(fields ...any) error {
	return func(fields ...any) error {
		err := row.Scan(fields...)
		var unfit pgx.ScanArgError
		if errors.As(err, &unfit) && unfit.ColumnIndex < len(s.table.Columns) {
			return fmt.Errorf("%s: %w", s.table.Columns[unfit.ColumnIndex], unfit.Err)
		}
		return err
	}
}

// IDs implements catalog.Store. The version is PostgreSQL's snapshot, that is, the set of visible transactions. As long
// as the snapshot is the same, no client has changed any row. Reading the snapshot costs the server next to nothing and
// takes one round trip; it needs no privilege, trigger or listener, and works on existing tables. Only if the snapshot
// has changed does IDs begin a transaction, so that the ids belong to the version. A standby's snapshot doesn't list the
// transactions in progress, so the snapshot may stay the same even after a transaction has ended. Therefore IDs reports
// no version on a standby.
func (s *Catalog[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	var ids []int64
	var version string
	err := s.with(ctx, always, func(conn *pgxpool.Conn) error {
		if known != "" {
			err := conn.QueryRow(ctx, readVersion).Scan(&version)
			if err != nil || version == string(known) {
				return err
			}
		}
		options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		return pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, readVersion).Scan(&version); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, s.sql.ids)
			if err != nil {
				return err
			}
			var id int64
			ids = nil
			_, err = pgx.ForEachRow(rows, []any{&id}, func() error { // up to a million rows: no allocation per row
				ids = append(ids, id)
				return nil
			})
			return err
		})
	})
	return ids, catalog.Version(version), err
}

const readVersion = "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_current_snapshot()::text END"

// Ping implements catalog.Store. Like requests, Ping reads all columns of a row. Ping waits for a locked table no
// longer than lockTimeout.
func (s *Catalog[T]) Ping(ctx context.Context) error {
	_, err := read(ctx, s, s.works.checks, func(ctx context.Context, conn *pgxpool.Conn) (struct{}, error) {
		options := pgx.TxOptions{BeginQuery: "begin; set local lock_timeout = " + lockTimeout}
		err := pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, s.sql.page, 0, 1) // not decoded, since an unreadable row doesn't make the store unready
			return err
		})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.stillDamaged(ctx, conn)
	})
	return err
}

// stillDamaged repeats the last read that failed because of damaged data, if any, and returns its error if the damage
// persists.
func (s *Catalog[T]) stillDamaged(ctx context.Context, conn *pgxpool.Conn) error {
	last := s.damaged.Load()
	if last == nil {
		return nil
	}
	if err := trouble((*last)(ctx, conn)); errors.Is(err, storage.ErrDamaged) {
		return err
	}
	s.damaged.CompareAndSwap(last, nil)
	return nil
}

// Close implements catalog.Store.
func (s *Catalog[T]) Close() error {
	s.works.close()
	s.pool.Close()
	return nil
}

// tableExists queries the system catalogs, because to_regclass relies on the session's name cache, which may not yet
// include a table that another session has just created.
const tableExists = `SELECT count(*) > 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = ANY (current_schemas(true)) AND c.relname = $1`

// prepare creates and seeds the table in one transaction, under a lock that makes other starting processes wait. It
// leaves an existing table unchanged, even if the table is empty.
func (s *Catalog[T]) prepare(ctx context.Context, schema string, seed catalog.Feed[T]) error {
	patient := pgx.TxOptions{BeginQuery: "begin; set local lock_timeout = 0"}
	return pgx.BeginTxFunc(ctx, s.pool, patient, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, tableExists, s.table.Name).Scan(&exists); err != nil || exists {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", "superheroes."+s.table.Name); err != nil {
			return fmt.Errorf("taking the lock to create tables: %w", err)
		}
		if err := tx.QueryRow(ctx, tableExists, s.table.Name).Scan(&exists); err != nil || exists {
			return err
		}
		if _, err := tx.Exec(ctx, strings.ReplaceAll(schema, "{table}", s.table.Name)); err != nil {
			return fmt.Errorf("creating table %s: %w", s.table.Name, err)
		}
		return s.write(ctx, tx, seed)
	})
}

// findColumns lists a table's columns: the name, the type as PostgreSQL formats it, and the name of the type or, for a
// domain, of its base type. Only lower-case names match, since the store's statements don't quote names.
const findColumns = `WITH RECURSIVE based AS (
		SELECT a.attname, a.atttypid, a.atttypmod, t.oid, t.typbasetype, t.typname
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = lower(a.attname)
		UNION ALL
		SELECT b.attname, b.atttypid, b.atttypmod, t.oid, t.typbasetype, t.typname
		FROM based b JOIN pg_type t ON t.oid = b.typbasetype)
	SELECT attname::text, format_type(atttypid, atttypmod), typname::text FROM based WHERE typbasetype = 0`

// checkShape returns an error that lists missing and unsuitable columns of an existing table.
func (s *Catalog[T]) checkShape(ctx context.Context) error {
	kinds := map[string]catalog.ColumnKind{
		"int2": catalog.IntegerColumn, "int4": catalog.IntegerColumn,
		"int8": catalog.IntegerColumn, "numeric": catalog.IntegerColumn,
		"text": catalog.TextColumn, "varchar": catalog.TextColumn,
		"bpchar": catalog.TextColumn, "citext": catalog.TextColumn,
	}
	return s.with(ctx, always, func(conn *pgxpool.Conn) error {
		const readOnly = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"
		if err := conn.QueryRow(ctx, readOnly).Scan(&s.readOnly); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, findColumns, s.table.Name)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (column catalog.FoundColumn, err error) {
			var base string
			err = row.Scan(&column.Name, &column.Type, &base)
			column.Kind = kinds[base]
			return column, err
		})
		if err != nil {
			return err
		}
		return s.table.CheckColumns(found)
	})
}

// Import implements catalog.Store. Other writers wait until the import ends; readers don't.
func (s *Catalog[T]) Import(ctx context.Context, replace bool, feed catalog.Feed[T]) error {
	fed := false
	return s.with(ctx, func() bool { return !fed }, func(conn *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			// Some writers lock a row before the table, and could deadlock with the import. EXCLUSIVE is the weakest
			// lock mode that blocks them too.
			if _, err := tx.Exec(ctx, "LOCK TABLE "+s.table.Name+" IN EXCLUSIVE MODE"); err != nil {
				return err
			}
			if replace {
				if _, err := tx.Exec(ctx, "DELETE FROM "+s.table.Name); err != nil {
					return err
				}
			}
			fed = true
			return s.write(ctx, tx, feed)
		})
	})
}

// batchSize is the maximum number of rows sent to the server in one batch.
const batchSize = 500

// write writes the items from feed to the locked table, and raises the sequence to the highest id.
func (s *Catalog[T]) write(ctx context.Context, tx pgx.Tx, feed catalog.Feed[T]) error {
	sequence, name, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	flush := func() error {
		full := batch
		batch = &pgx.Batch{}
		return tx.SendBatch(ctx, full).Close()
	}
	err = feed(func(item T) error {
		fields, id := s.table.Fields(&item), s.table.Key(&item)
		if *id, err = sequence.Give(*id); err != nil {
			return err
		}
		batch.Queue(s.sql.upsert, fields...).Exec(func(done pgconn.CommandTag) error {
			return catalog.CheckChanged(s.table, done.RowsAffected())
		})
		if batch.Len() < batchSize {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	if name != "" && sequence.Highest > 0 {
		// Never set the sequence back if another application has advanced it meanwhile.
		raise := "SELECT setval($1::regclass, GREATEST($2, (SELECT last_value FROM " + name + ")))"
		_, err = tx.Exec(ctx, raise, name, sequence.Highest)
	}
	return err
}

// sharedSequence is the sequence that generates the ids for all tables in applications that use Hibernate's older
// default.
const sharedSequence = "hibernate_sequence"

// sequence returns the current position and the name of the id sequence; the name is "" if another application created
// the table without a sequence.
func (s *Catalog[T]) sequence(ctx context.Context, tx pgx.Tx) (catalog.Sequence, string, error) {
	sequence := catalog.Sequence{Step: s.table.Step}
	err := tx.QueryRow(ctx, "SELECT COALESCE(max(id), 0)::int8 FROM "+s.table.Name).Scan(&sequence.Highest)
	if err != nil {
		return sequence, "", err
	}
	name, err := s.sequenceName(ctx, tx)
	if err != nil || name == "" {
		return sequence, "", err
	}
	var given int64
	const find = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END,
		(SELECT seqincrement FROM pg_sequence WHERE seqrelid = $1::regclass) FROM `
	err = tx.QueryRow(ctx, find+name, name).Scan(&given, &sequence.Step)
	sequence.Highest = max(sequence.Highest, given)
	return sequence, name, err
}

// sequenceName returns the name of the sequence of an identity or serial id column, or else of the Quarkus
// application's sequence.
func (s *Catalog[T]) sequenceName(ctx context.Context, tx pgx.Tx) (name string, err error) {
	const find = `SELECT COALESCE(pg_get_serial_sequence($1::text, 'id'),
		to_regclass($2::text)::text, to_regclass($3::text)::text, '')`
	err = tx.QueryRow(ctx, find, s.table.Name, s.table.Sequence, sharedSequence).Scan(&name)
	return name, err
}
