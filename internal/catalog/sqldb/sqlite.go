package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"superheroes/internal/catalog"
	"superheroes/internal/embedded"
	"superheroes/internal/storage"
)

// SQLite is a catalog.Store in a file.
type SQLite[T catalog.Item] struct {
	reader[T]
	db    *embedded.DB
	watch watch
}

var _ catalog.Store[catalog.Item] = (*SQLite[catalog.Item])(nil)

// OpenSQLite opens the file, and creates and fills the table when it is missing, in one transaction. A file that can't be
// written is opened for reading.
func OpenSQLite[T catalog.Item](ctx context.Context, path string, table catalog.Table[T], schema string, seed func(put func(T) error) error) (*SQLite[T], error) {
	db, err := embedded.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &SQLite[T]{db: db, watch: watch{db: db, table: table.Name}}
	s.table = table
	full := s.prepare(ctx, schema, seed)
	if full != nil && !errors.Is(full, storage.ErrFull) {
		return nil, errors.Join(full, db.Close())
	}
	if s.reader, err = newReader(ctx, db.Reads, table); err != nil {
		return nil, errors.Join(cmp.Or(full, db.Trouble(err)), db.Close())
	}
	if err := s.Ping(ctx); errors.Is(err, storage.ErrDamaged) {
		return nil, errors.Join(fmt.Errorf("reading table %s: %w", table.Name, err), db.Close())
	}
	return s, nil
}

func (s *SQLite[T]) prepare(ctx context.Context, schema string, seed func(put func(T) error) error) error {
	_, err := s.inTx(ctx, func(tx *sql.Tx) error {
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
	return err
}

// inTx runs do in a transaction that holds the write lock. After an error that is in doubt nobody knows whether what do
// has done is stored; after any other it isn't.
func (s *SQLite[T]) inTx(ctx context.Context, do func(tx *sql.Tx) error) (inDoubt bool, err error) {
	begun := false
	err = inTx(ctx, s.db.Writes, nil, func(tx *sql.Tx) error {
		begun = true
		if err := s.db.Begun(); err != nil {
			return err
		}
		err := do(tx)
		inDoubt = err == nil
		return err
	})
	switch {
	case err == nil:
		err = s.db.Committed()
	case !begun:
		err = s.db.Waited(err)
	case inDoubt:
		inDoubt = !embedded.Undone(err) && !errors.Is(err, ctx.Err()) && !errors.Is(err, context.Cause(ctx))
	}
	err = s.db.Trouble(err)
	s.db.Wrote(err)
	return inDoubt && err != nil, err
}

// Get implements catalog.Store. A row by its key takes microseconds, and readers wait for no writer: so the read isn't
// watched for the end of ctx, for which the driver and database/sql would start a goroutine each, dearer than the read.
func (s *SQLite[T]) Get(ctx context.Context, id int64) (item T, err error) {
	if ctx.Err() != nil {
		return item, context.Cause(ctx)
	}
	if err := s.db.Check(); err != nil {
		return item, err
	}
	item, err = s.reader.Get(context.WithoutCancel(ctx), id)
	return item, s.db.Trouble(err)
}

// GetMany implements catalog.Store.
func (s *SQLite[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	if err := s.db.Check(); err != nil {
		return nil, err
	}
	rows, err := s.reader.GetMany(ctx, ids)
	return rows, s.db.Trouble(err)
}

// Page implements catalog.Store.
func (s *SQLite[T]) Page(ctx context.Context, after int64, limit int) (page []T, err error) {
	if err := s.db.Check(); err != nil {
		return nil, err
	}
	if err := s.db.Lists.Take(ctx); err != nil {
		return nil, err
	}
	defer func() { s.db.Lists.Give(err) }()
	page, err = s.reader.Page(ctx, after, limit)
	return page, s.db.Trouble(err)
}

// Import implements catalog.Store. Other writers wait until it ends; readers don't.
func (s *SQLite[T]) Import(ctx context.Context, replace bool, feed func(put func(T) error) error) error {
	inDoubt, err := s.inTx(ctx, func(tx *sql.Tx) error {
		if replace {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+s.table.Name); err != nil {
				return err
			}
		}
		return s.write(ctx, tx, feed)
	})
	if inDoubt {
		return fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
	}
	return err
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
		id := s.table.Key(&item)
		if *id, err = sequence.Give(*id); err != nil {
			return err
		}
		return refusalSQLite(changed(s.table)(upsert.ExecContext(ctx, s.table.Fields(&item)...)))
	})
}

func refusalSQLite(err error) error {
	if embedded.IsTaken(err) {
		return catalog.ErrTaken
	}
	return err
}

// Write implements catalog.Store.
func (s *SQLite[T]) Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (written *T, err error) {
	inDoubt, err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		written, err = edit[T]{table: s.table, tx: tx, insert: s.insert, refusal: refusalSQLite}.run(ctx, id, change)
		return err
	})
	switch {
	case err == nil:
		return written, nil
	case inDoubt:
		return nil, fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
	}
	return nil, err
}

// insert writes a new item, which gets the next id.
func (s *SQLite[T]) insert(ctx context.Context, tx *sql.Tx, item *T) error {
	sequence, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	if *s.table.Key(item), err = sequence.Give(0); err != nil {
		return err
	}
	return changed(s.table)(tx.ExecContext(ctx, insertion(s.table.Name, s.table.Names()), s.table.Fields(item)...))
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
	return insertion(s.table.Name, names) + " ON CONFLICT (id) DO UPDATE SET " + strings.Join(sets, ", ")
}

// IDs implements catalog.Store.
func (s *SQLite[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	return s.watch.ids(ctx, known)
}

// Ping implements catalog.Store. It reads as requests do. That the file takes no writes is no trouble of a catalog, which
// is there to be read.
func (s *SQLite[T]) Ping(ctx context.Context) error {
	if err := s.db.Ping(ctx); err != nil {
		return err
	}
	if _, err := s.reader.Get(ctx, 0); !errors.Is(err, catalog.ErrNotFound) {
		return s.db.Trouble(err)
	}
	return nil
}

// Writable returns why the last write was refused, while that lasts.
func (s *SQLite[T]) Writable(ctx context.Context) error { return s.db.Writable(ctx, "") }

// Close implements catalog.Store.
func (s *SQLite[T]) Close() error {
	s.watch.close()
	return s.db.Close()
}

// watch finds out cheaply whether the file was changed. SQLite's data_version changes when any other connection, of
// this process or another, has committed; it must always be asked on one connection, which never writes.
type watch struct {
	db    *embedded.DB
	table string

	mu         sync.Mutex
	conn       *sql.Conn
	generation int // of conn: versions of two connections don't compare
}

func (w *watch) ids(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	if err := w.db.Check(); err != nil {
		return nil, "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	once := w.db.Frozen() // such a connection sees no change
	if w.conn == nil {
		conn, err := w.db.Reads.Conn(ctx)
		if err != nil {
			return nil, "", w.db.Trouble(err)
		}
		w.conn = conn
		w.generation++
	}
	found, version, err := w.read(ctx, known)
	if err != nil || once {
		_ = w.conn.Close() // back to the pool; the next call takes another
		w.conn = nil
	}
	return found, version, w.db.Trouble(err)
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
