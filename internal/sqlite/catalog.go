package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"superheroes/internal/catalog"
	"superheroes/internal/sqltable"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Catalog is a catalog.Store in a SQLite file.
type Catalog[T catalog.Item] struct {
	sqltable.Reader[T]
	db *DB

	mu         sync.Mutex
	watch      *sql.Conn // reads data_version, which is comparable only within one connection; must never write
	generation int       // counts the connections stored in watch so far
}

var _ catalog.Store[catalog.Item] = (*Catalog[catalog.Item])(nil)

// OpenCatalog opens the file. If the table is missing, OpenCatalog creates and seeds it in one transaction. A file that
// can't be written is opened read-only.
func OpenCatalog[T catalog.Item](
	ctx context.Context, path string, table catalog.Table[T], schema string, seed func(put func(T) error) error,
) (*Catalog[T], error) {
	db, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &Catalog[T]{db: db}
	s.Table = table
	full := s.prepare(ctx, schema, seed)
	if full != nil && !errors.Is(full, storage.ErrFull) {
		return nil, errors.Join(full, db.Close())
	}
	if s.Reader, err = sqltable.NewReader(ctx, db.Reads, table); err != nil {
		return nil, errors.Join(cmp.Or(full, db.trouble(err)), db.Close())
	}
	if err := s.Ping(ctx); errors.Is(err, storage.ErrDamaged) {
		return nil, errors.Join(fmt.Errorf("reading table %s: %w", table.Name, err), db.Close())
	}
	return s, nil
}

// Measure adds the metrics of the connection pools.
func (s *Catalog[T]) Measure(m *telemetry.Metrics) { s.db.measure(m, s.Table.Name) }

func (s *Catalog[T]) prepare(ctx context.Context, schema string, seed func(put func(T) error) error) error {
	return s.change(ctx, func(tx *sql.Conn) error {
		var found int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = ?", s.Table.Name).Scan(&found)
		if err != nil || found > 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, strings.ReplaceAll(schema, "{table}", s.Table.Name)); err != nil {
			return fmt.Errorf("creating table %s: %w", s.Table.Name, err)
		}
		return s.put(ctx, tx, seed)
	})
}

// change runs do within a transaction, which isn't committed if ctx has ended by the time do returns.
func (s *Catalog[T]) change(ctx context.Context, do func(tx *sql.Conn) error) error {
	inDoubt, err := s.db.inTx(ctx, func(tx *sql.Conn) error { return cmp.Or(do(tx), context.Cause(ctx)) })
	s.db.wrote(err)
	if inDoubt {
		return fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
	}
	return err
}

// Get implements catalog.Store. A read by key takes microseconds and never waits for writers, so Get checks ctx only at
// the start: to honour ctx throughout, the driver and database/sql would each start a goroutine, which costs more than
// the read.
func (s *Catalog[T]) Get(ctx context.Context, id int64) (item T, err error) {
	if ctx.Err() != nil {
		return item, context.Cause(ctx)
	}
	return read(s.db, func() (T, error) { return s.Reader.Get(context.WithoutCancel(ctx), id) })
}

// GetMany implements catalog.Store.
func (s *Catalog[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	return read(s.db, func() ([]T, error) { return s.Reader.GetMany(ctx, ids) })
}

// Page implements catalog.Store.
func (s *Catalog[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	return list(ctx, s.db, func() ([]T, error) { return s.Reader.Page(ctx, after, limit) })
}

// Import implements catalog.Store. Other writers wait until the import ends; readers don't.
func (s *Catalog[T]) Import(ctx context.Context, replace bool, feed func(put func(T) error) error) error {
	return s.change(ctx, func(tx *sql.Conn) error {
		if replace {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+s.Table.Name); err != nil {
				return err
			}
		}
		return s.put(ctx, tx, feed)
	})
}

// put inserts the items from feed, and overwrites rows that have the same id.
func (s *Catalog[T]) put(ctx context.Context, tx *sql.Conn, feed func(put func(T) error) error) error {
	sequence, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	upsert, err := tx.PrepareContext(ctx, s.upsert())
	if err != nil {
		return err
	}
	defer func() { _ = upsert.Close() }() // repeats the error of the last execution
	return feed(func(item T) error {
		id := s.Table.Key(&item)
		if *id, err = sequence.Give(*id); err != nil {
			return err
		}
		return refusedRow(sqltable.Changed(s.Table)(upsert.ExecContext(ctx, s.Table.Fields(&item)...)))
	})
}

func refusedRow(err error) error {
	if isTaken(err) {
		return catalog.ErrTaken
	}
	return err
}

// Write implements catalog.Store.
func (s *Catalog[T]) Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (written *T, err error) {
	err = s.change(ctx, func(tx *sql.Conn) (err error) {
		edit := sqltable.Edit[T]{Table: s.Table, Tx: tx, Refusal: refusedRow}
		edit.Insert = func(ctx context.Context, item *T) error { return s.insert(ctx, tx, item) }
		written, err = edit.Run(ctx, id, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return written, nil
}

// insert inserts a new item with the next id of the sequence.
func (s *Catalog[T]) insert(ctx context.Context, tx *sql.Conn, item *T) error {
	sequence, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	if *s.Table.Key(item), err = sequence.Give(0); err != nil {
		return err
	}
	insertion := sqltable.Insertion(s.Table.Name, s.Table.Columns)
	return sqltable.Changed(s.Table)(tx.ExecContext(ctx, insertion, s.Table.Fields(item)...))
}

// sequence reads the current position of the id sequence. A table created by another application may not record the
// highest id ever assigned; in that case, the position is the highest existing id.
func (s *Catalog[T]) sequence(ctx context.Context, tx *sql.Conn) (catalog.Sequence, error) {
	sequence, kept := catalog.Sequence{Step: s.Table.Step}, false
	err := tx.QueryRowContext(ctx, "SELECT COALESCE(max(id), 0) FROM "+s.Table.Name).Scan(&sequence.Highest)
	if err != nil {
		return sequence, err
	}
	err = tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'sqlite_sequence'").Scan(&kept)
	if err != nil || !kept {
		return sequence, err
	}
	var given int64
	const query = "SELECT COALESCE(max(seq), 0) FROM sqlite_sequence WHERE name = ?"
	err = tx.QueryRowContext(ctx, query, s.Table.Name).Scan(&given)
	sequence.Highest = max(sequence.Highest, given)
	return sequence, err
}

func (s *Catalog[T]) upsert() string {
	names := s.Table.Columns
	sets := make([]string, 0, len(names))
	for _, name := range names[1:] {
		sets = append(sets, name+" = excluded."+name)
	}
	return sqltable.Insertion(s.Table.Name, names) + " ON CONFLICT (id) DO UPDATE SET " + strings.Join(sets, ", ")
}

// Ping implements catalog.Store. Ping runs the same queries as requests do. A catalog mainly serves reads, so it counts
// as ready even if its file is read-only.
func (s *Catalog[T]) Ping(ctx context.Context) error {
	return s.db.ping(ctx, "SELECT "+s.Table.SelectList()+" FROM "+s.Table.Name+" WHERE id = 0")
}

// Writable returns the reason why writes are refused, or nil if writes succeed.
func (s *Catalog[T]) Writable(ctx context.Context) error { return s.db.writable(ctx, nil) }

// IDs implements catalog.Store. SQLite's data_version is a cheap way to detect changes to the file: it changes whenever
// another connection commits, whether in this process or in another.
func (s *Catalog[T]) IDs(ctx context.Context, known catalog.Version) (ids []int64, version catalog.Version, err error) {
	ids, err = read(s.db, func() (ids []int64, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		once := s.db.frozen.Load() // a connection to a file that was opened read-only doesn't see changes
		if s.watch == nil {
			if s.watch, err = s.db.Reads.Conn(ctx); err != nil {
				return nil, err
			}
			s.generation++
		}
		if version, err = s.version(ctx); err == nil && version != known {
			// If the table changes after the version was read, the next version will differ.
			ids, err = sqltable.IDs(ctx, s.watch, s.Table.Name)
		}
		if err != nil || once {
			s.release()
		}
		return ids, err
	})
	return ids, version, err
}

// version reads the current version of the table. The caller must hold the mutex.
func (s *Catalog[T]) version(ctx context.Context) (catalog.Version, error) {
	var number int64
	if err := s.watch.QueryRowContext(ctx, "PRAGMA data_version").Scan(&number); err != nil {
		return "", err
	}
	return catalog.Version(fmt.Sprintf("%d.%d", s.generation, number)), nil
}

// release returns the connection that reads data_version to the pool; the next call to IDs acquires another one. The
// caller must hold the mutex.
func (s *Catalog[T]) release() {
	if s.watch != nil {
		_ = s.watch.Close()
		s.watch = nil
	}
}

// Close implements catalog.Store.
func (s *Catalog[T]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	return s.db.Close()
}
