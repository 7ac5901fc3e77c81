package mariadb

import (
	"context"
	"fmt"
	"time"

	"superheroes/internal/bounded"
)

// When the context of a query ends, the driver closes the query's connection. If queries used the client's context,
// each read that outlasts its client's deadline would cost a connection, and enough such reads would drain the pool. So
// a read that has begun continues until it completes or the service's own deadline passes, while its client gets an
// error response in time.

// Get implements catalog.Store.
func (s *Catalog[T]) Get(ctx context.Context, id int64) (T, error) {
	item, err := bounded.Do(ctx, s.reads.ByKey, func(ctx context.Context) (T, error) { return s.Reader.Get(ctx, id) })
	return item, s.failed(err)
}

// GetMany implements catalog.Store.
func (s *Catalog[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	rows, err := bounded.Do(ctx, s.reads.ByKey, func(ctx context.Context) ([]T, error) { return s.Reader.GetMany(ctx, ids) })
	return rows, s.failed(err)
}

// Page implements catalog.Store.
func (s *Catalog[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	page, err := bounded.Do(ctx, s.reads.Lists, func(ctx context.Context) ([]T, error) { return s.Reader.Page(ctx, after, limit) })
	return page, s.failed(err)
}

const (
	// pingTimeout limits the duration of a readiness check.
	pingTimeout = 2 * time.Second
	// pingLock limits how long the check waits for a lock to one second, so that it can report the cause. pingLock is a
	// prefix for MariaDB statements; MySQL treats it as a comment.
	pingLock = "/*M!100102 SET STATEMENT lock_wait_timeout = 1 FOR */ "
)

// Ping implements catalog.Store. Ping runs the same queries as requests; concurrent callers share one check.
func (s *Catalog[T]) Ping(ctx context.Context) error {
	checked := s.pings.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(s.reads.ByKey.Life(), pingTimeout)
		defer cancel()
		return nil, s.check(ctx)
	})
	select {
	case result := <-checked:
		return s.failed(result.Err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Catalog[T]) check(ctx context.Context) error {
	if _, err := s.checkShape(ctx); err != nil {
		return err
	}
	err := s.begin(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE id > 0 ORDER BY id LIMIT 1", s.Table.SelectList(), s.Table.Name))
	if err == nil && s.version != nil {
		err = s.begin(ctx, "SELECT version FROM "+s.versionTable())
	}
	return err
}

// begin runs a query up to its first row without scanning that row: an unreadable row doesn't make the store unready.
func (s *Catalog[T]) begin(ctx context.Context, query string) error {
	rows, err := s.db.QueryContext(ctx, pingLock+query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports any error that matters
	rows.Next()
	return rows.Err()
}

// CheckWrites returns an error if the server accepts no writes from this user. CheckWrites detects only problems that
// the server reports in advance, such as a read-only server, but not a full disk.
func (s *Catalog[T]) CheckWrites(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.failed(err)
	}
	defer func() { _ = conn.Close() }() // returns the connection to the pool
	if _, err = conn.ExecContext(ctx, "START TRANSACTION READ WRITE"); err == nil {
		_, err = conn.ExecContext(ctx, "ROLLBACK")
	}
	return s.failed(err)
}
