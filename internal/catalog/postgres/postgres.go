// Package postgres keeps a catalog in PostgreSQL.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"superheroes/internal/catalog"
)

// Config says where the database is and how many connections it gets.
type Config struct {
	URL              string
	PoolMin, PoolMax int
	Schema           string // creates the table and its sequence
}

// Store is a catalog.Store on PostgreSQL.
type Store[T catalog.Item] struct {
	pool  *pgxpool.Pool
	table catalog.Table[T]
	get   string
	many  string
	page  string
	ids   string
	edit  statements
}

var _ catalog.Store[catalog.Item] = (*Store[catalog.Item])(nil)

// Open connects, and creates and fills the table when it is missing. It tries once.
func Open[T catalog.Item](ctx context.Context, table catalog.Table[T], cfg Config, seed func(put func(T) error) error) (*Store[T], error) {
	poolConfig, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errors.New("the PostgreSQL URL can't be read") // the cause may show the password
	}
	poolConfig.MinConns, poolConfig.MaxConns = int32(cfg.PoolMin), int32(cfg.PoolMax)
	poolConfig.ConnConfig.ConnectTimeout = 2 * time.Second
	poolConfig.ConnConfig.BuildContextWatcherHandler = cancelOnServer
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), poolConfig) // it fills itself in the background
	if err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	s := newStore(pool, table)
	if err := s.prepare(ctx, cfg.Schema, seed); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// cancelOnServer has the server end a statement whose context has ended, before the connection is given up.
func cancelOnServer(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 100 * time.Millisecond}
}

func newStore[T catalog.Item](pool *pgxpool.Pool, table catalog.Table[T]) *Store[T] {
	columns := table.SelectList()
	return &Store[T]{
		pool:  pool,
		table: table,
		get:   fmt.Sprintf("SELECT %s FROM %s WHERE id = $1", columns, table.Name),
		many:  fmt.Sprintf("SELECT %s FROM %s WHERE id = ANY ($1)", columns, table.Name),
		page:  fmt.Sprintf("SELECT %s FROM %s WHERE id > $1 ORDER BY id LIMIT $2", columns, table.Name),
		ids:   fmt.Sprintf("SELECT id FROM %s WHERE id > 0 ORDER BY id", table.Name),
		edit:  newStatements(table),
	}
}

// Get implements catalog.Store.
func (s *Store[T]) Get(ctx context.Context, id int64) (T, error) {
	var item T
	err := s.pool.QueryRow(ctx, s.get, id).Scan(s.table.Fields(&item)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return item, catalog.ErrNotFound
	}
	return item, err
}

// GetMany implements catalog.Store.
func (s *Store[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	return s.collect(ctx, s.many, ids)
}

// Page implements catalog.Store.
func (s *Store[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	return s.collect(ctx, s.page, after, limit)
}

// collect reads all rows of a query.
func (s *Store[T]) collect(ctx context.Context, query string, args ...any) ([]T, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) {
		var item T
		return item, row.Scan(s.table.Fields(&item)...)
	})
}

// IDs implements catalog.Store. The version is the snapshot that PostgreSQL reads with: which transactions it sees.
// As long as that is the same, so is every row, whoever writes; and asking for it costs nothing, needs no
// privilege, trigger or listener, and works on a table that isn't ours.
func (s *Store[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	var ids []int64
	var version string
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&version); err != nil {
			return err
		}
		if version == string(known) {
			return nil
		}
		rows, err := tx.Query(ctx, s.ids)
		if err != nil {
			return err
		}
		var id int64
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
			ids = append(ids, id)
			return nil
		})
		return err
	})
	return ids, catalog.Version(version), err
}

// Ping implements catalog.Store.
func (s *Store[T]) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// Close implements catalog.Store.
func (s *Store[T]) Close() error {
	s.pool.Close()
	return nil
}

// tableExists reads the catalog's rows: a session's cache of names, which to_regclass asks, may not know yet of a table
// that another session has just created.
const tableExists = `SELECT count(*) > 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = ANY (current_schemas(true)) AND c.relname = $1`

// prepare creates the table and fills it, in one transaction and under a lock that other starting processes wait
// for. A table that is there already is left as it is, empty or not.
func (s *Store[T]) prepare(ctx context.Context, schema string, seed func(put func(T) error) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
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

// Import implements catalog.Store. Other writers wait until it ends; readers don't.
func (s *Store[T]) Import(ctx context.Context, replace bool, feed func(put func(T) error) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE "+s.table.Name+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		if replace {
			if _, err := tx.Exec(ctx, "DELETE FROM "+s.table.Name); err != nil {
				return err
			}
		}
		return s.write(ctx, tx, feed)
	})
}

// batchSize is how many rows travel to the server together.
const batchSize = 500

// write puts what feed gives into the locked table and leaves the sequence above the highest id.
func (s *Store[T]) write(ctx context.Context, tx pgx.Tx, feed func(put func(T) error) error) error {
	sequence, name, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	upsert, batch := s.upsert(), &pgx.Batch{}
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
		if batch.Queue(upsert, fields...); batch.Len() < batchSize {
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
		// Never lower than another application has come meanwhile.
		_, err = tx.Exec(ctx, "SELECT setval($1::regclass, GREATEST($2, (SELECT last_value FROM "+name+")))", name, sequence.Highest)
	}
	return err
}

// sharedSequence gives the ids of all tables where Hibernate's older default made them.
const sharedSequence = "hibernate_sequence"

// sequence reads where the ids stand, and the name of the table's sequence: "" when another application made the
// table without one.
func (s *Store[T]) sequence(ctx context.Context, tx pgx.Tx) (catalog.Sequence, string, error) {
	sequence := catalog.Sequence{Step: s.table.Step}
	err := tx.QueryRow(ctx, "SELECT COALESCE(max(id), 0) FROM "+s.table.Name).Scan(&sequence.Highest)
	if err != nil {
		return sequence, "", err
	}
	name, err := s.sequenceName(ctx, tx)
	if err != nil || name == "" {
		return sequence, "", err
	}
	var given int64
	err = tx.QueryRow(ctx, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "+name).Scan(&given)
	sequence.Highest = max(sequence.Highest, given)
	return sequence, name, err
}

func (s *Store[T]) sequenceName(ctx context.Context, tx pgx.Tx) (name string, err error) {
	const find = "SELECT COALESCE(to_regclass($1)::text, to_regclass($2)::text, '')"
	err = tx.QueryRow(ctx, find, s.table.Sequence, sharedSequence).Scan(&name)
	return name, err
}

func (s *Store[T]) upsert() string {
	names := s.table.Names()
	places, sets := make([]string, len(names)), make([]string, 0, len(names))
	for i, name := range names {
		places[i] = fmt.Sprintf("$%d", i+1)
		if i > 0 {
			sets = append(sets, name+" = EXCLUDED."+name)
		}
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (id) DO UPDATE SET %s",
		s.table.Name, strings.Join(names, ", "), strings.Join(places, ", "), strings.Join(sets, ", "))
}
