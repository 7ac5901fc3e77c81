package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"superheroes/internal/catalog"
	"superheroes/internal/embedded"
)

// SQLite is a catalog.Store in a file.
type SQLite[T catalog.Item] struct {
	reader[T]
	db    *embedded.DB
	watch watch
}

var _ catalog.Store[catalog.Item] = (*SQLite[catalog.Item])(nil)

// OpenSQLite opens the file, and creates and fills the table when it is missing, in one transaction.
func OpenSQLite[T catalog.Item](ctx context.Context, path string, table catalog.Table[T], schema string, seed func(put func(T) error) error) (*SQLite[T], error) {
	db, err := embedded.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &SQLite[T]{db: db, watch: watch{db: db.Reads, table: table.Name}}
	s.table = table
	if err := s.prepare(ctx, schema, seed); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if s.reader, err = newReader(ctx, db.Reads, table); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *SQLite[T]) prepare(ctx context.Context, schema string, seed func(put func(T) error) error) error {
	return inTx(ctx, s.db.Writes, nil, func(tx *sql.Tx) error {
		var found int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = ?", s.table.Name).Scan(&found)
		if err != nil || found > 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, strings.ReplaceAll(schema, "{table}", s.table.Name)); err != nil {
			return fmt.Errorf("creating table %s: %w", s.table.Name, err)
		}
		return s.write(ctx, tx, seed)
	})
}

// Get implements catalog.Store. A row by its key takes microseconds, and readers wait for no writer: so the read isn't
// watched for the end of ctx, for which the driver and database/sql would start a goroutine each, dearer than the read.
func (s *SQLite[T]) Get(ctx context.Context, id int64) (T, error) {
	if ctx.Err() != nil {
		var none T
		return none, context.Cause(ctx)
	}
	return s.reader.Get(context.WithoutCancel(ctx), id)
}

// Import implements catalog.Store. Other writers wait until it ends; readers don't.
func (s *SQLite[T]) Import(ctx context.Context, replace bool, feed func(put func(T) error) error) error {
	return inTx(ctx, s.db.Writes, nil, func(tx *sql.Tx) error {
		if replace {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+s.table.Name); err != nil {
				return err
			}
		}
		return s.write(ctx, tx, feed)
	})
}

func (s *SQLite[T]) write(ctx context.Context, tx *sql.Tx, feed func(put func(T) error) error) error {
	sequence, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	upsert, err := tx.PrepareContext(ctx, s.upsert())
	if err != nil {
		return err
	}
	defer func() { _ = upsert.Close() }() // the transaction's end closes it anyway
	return feed(func(item T) error {
		fields := s.table.Fields(&item)
		id := fields[0].(*int64)
		if *id, err = sequence.Give(*id); err != nil {
			return fmt.Errorf("%w: %w", catalog.ErrRefused, err)
		}
		_, err := upsert.ExecContext(ctx, fields...)
		if embedded.IsConstraint(err) {
			return fmt.Errorf("%w: the name is taken", catalog.ErrRefused)
		}
		return err
	})
}

// sequence reads where the ids stand. A table that another application made may not keep the highest id ever given;
// then it is the highest there is.
func (s *SQLite[T]) sequence(ctx context.Context, tx *sql.Tx) (catalog.Sequence, error) {
	sequence, kept := catalog.Sequence{Step: s.table.Step}, false
	err := tx.QueryRowContext(ctx, "SELECT COALESCE(max(id), 0) FROM "+s.table.Name).Scan(&sequence.Highest)
	if err != nil {
		return sequence, err
	}
	err = tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'sqlite_sequence'").Scan(&kept)
	if err != nil || !kept {
		return sequence, err
	}
	var given int64
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(max(seq), 0) FROM sqlite_sequence WHERE name = ?", s.table.Name).Scan(&given)
	sequence.Highest = max(sequence.Highest, given)
	return sequence, err
}

func (s *SQLite[T]) upsert() string {
	names := s.table.Names()
	sets := make([]string, 0, len(names))
	for _, name := range names[1:] {
		sets = append(sets, name+" = excluded."+name)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s) ON CONFLICT (id) DO UPDATE SET %s",
		s.table.Name, strings.Join(names, ", "), strings.Repeat(", ?", len(names)-1), strings.Join(sets, ", "))
}

// IDs implements catalog.Store.
func (s *SQLite[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	return s.watch.ids(ctx, known)
}

// Ping implements catalog.Store.
func (s *SQLite[T]) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Close implements catalog.Store.
func (s *SQLite[T]) Close() error {
	s.watch.close()
	return s.db.Close()
}

// watch tells cheaply whether the file was changed. SQLite's data_version changes when any other connection, of
// this process or another, has committed; it must always be asked on one connection, which never writes.
type watch struct {
	db    *sql.DB
	table string

	mu         sync.Mutex
	conn       *sql.Conn
	generation int // of conn: versions of two connections don't compare
}

func (w *watch) ids(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return nil, "", err
		}
		w.conn = conn
		w.generation++
	}
	found, version, err := w.read(ctx, known)
	if err != nil {
		_ = w.conn.Close() // back to the pool; the next call takes another
		w.conn = nil
		return nil, "", err
	}
	return found, version, nil
}

// read asks for the version before it reads: a change in between makes the next version differ.
func (w *watch) read(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	var number int64
	if err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&number); err != nil {
		return nil, "", err
	}
	version := catalog.Version(fmt.Sprintf("%d.%d", w.generation, number))
	if version == known {
		return nil, known, nil
	}
	found, err := ids(ctx, w.conn, w.table)
	return found, version, err
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}
