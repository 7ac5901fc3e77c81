// Package sqlite keeps fights in the embedded store.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"superheroes/internal/embedded"
	"superheroes/internal/fight"
)

// Store is a fight.Store in a file.
type Store struct {
	db *embedded.DB
}

var _ fight.Store = (*Store)(nil)

// Open opens the file, and creates the table when it is missing.
func Open(ctx context.Context, path, schema string) (*Store, error) {
	db, err := embedded.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := db.Writes.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("creating table fight: %w", err), db.Close())
	}
	return &Store{db: db}, nil
}

// Insert implements fight.Store: one transaction of its own. Until that has begun it waits for its turn, behind other
// inserts and other processes, as long as ctx allows; then it is not interrupted any more, so that it knows how it ended.
func (s *Store) Insert(ctx context.Context, f fight.Fight) error {
	conn, err := s.db.Writes.Conn(ctx)
	if err != nil {
		return fmt.Errorf("waiting for the writer: %w", err)
	}
	if err := insert(ctx, conn, f); err != nil {
		// The transaction ends with its connection, whose cache may hold what the file does not.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
		return err
	}
	_ = conn.Close() // gives it back to the pool
	return nil
}

// insert leaves a transaction open when it fails before the commit: then surely nothing is stored. After a commit that
// failed, at a write or a sync, nobody knows what reached the disk.
func insert(ctx context.Context, conn *sql.Conn, f fight.Fight) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("waiting for the write lock: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(ctx, "INSERT INTO fight (id, document) VALUES (?, ?)", f.ID[:], f.AppendJSON(nil)); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", fight.ErrMaybeStored, err)
	}
	return nil
}

// Get implements fight.Store.
func (s *Store) Get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	var document []byte
	err := s.db.Reads.QueryRowContext(ctx, "SELECT document FROM fight WHERE id = ?", id[:]).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return fight.Fight{}, fight.ErrNotFound
	}
	if err != nil {
		return fight.Fight{}, err
	}
	return fight.Parse(document)
}

// Page implements fight.Store.
func (s *Store) Page(ctx context.Context, before fight.ID, limit int) (fights []fight.Fight, err error) {
	rows, err := s.db.Reads.QueryContext(ctx, "SELECT document FROM fight WHERE id < ? ORDER BY id DESC LIMIT ?", before[:], limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var document sql.RawBytes
		if err := rows.Scan(&document); err != nil {
			return nil, err
		}
		f, err := fight.Parse(document)
		if err != nil {
			return nil, err
		}
		fights = append(fights, f)
	}
	return fights, rows.Err()
}

// Count implements fight.Store. It reads the whole index of ids.
func (s *Store) Count(ctx context.Context) (int64, error) {
	var n int64
	err := s.db.Reads.QueryRowContext(ctx, "SELECT count(*) FROM fight").Scan(&n)
	return n, err
}

// Last implements fight.Store.
func (s *Store) Last(ctx context.Context) (fight.ID, error) {
	var id []byte
	err := s.db.Reads.QueryRowContext(ctx, "SELECT max(id) FROM fight").Scan(&id)
	if err != nil || id == nil {
		return fight.ID{}, err
	}
	return fight.ID(id), nil
}

// Ping implements fight.Store.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Close implements fight.Store.
func (s *Store) Close() error { return s.db.Close() }
