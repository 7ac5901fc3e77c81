package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

const (
	// finishTime is how long a read may take after its caller has left, unless the service's own deadline is longer.
	finishTime = 10 * time.Second
	// lockTimeout is how long Ping waits for a locked table.
	lockTimeout = "'500ms'"
)

type (
	// query is a read on a connection.
	query[R any] = func(ctx context.Context, conn *pgxpool.Conn) (R, error)
	// reading is a read whose result is discarded.
	reading func(ctx context.Context, conn *pgxpool.Conn) error
)

// works are the uses of a pool, each with connections that the others can't take.
type works struct {
	bounded.Reads
	checks *bounded.Work // one at a time
}

// newWorks divides a pool of that size. One connection is left for writes, reads of the ids, and checks.
func newWorks(pool int, deadline time.Duration) works {
	limit := deadline
	if limit > 0 {
		limit = max(limit, finishTime)
	}
	return works{bounded.NewReads(pool-1, limit), bounded.NewWork(limit, bounded.Unlimited, bounded.NewSlots("checks", 1))}
}

// close cancels operations in progress.
func (w works) close() {
	w.Close()
	w.checks.Close()
}

// readRows is read for requests. It remembers a read that found damaged data for Ping.
func readRows[T catalog.Item, R any](ctx context.Context, s *Catalog[T], work *bounded.Work, do query[R]) (R, error) {
	got, err := read(ctx, s, work, do)
	if errors.Is(err, storage.ErrDamaged) {
		again := reading(func(ctx context.Context, conn *pgxpool.Conn) error {
			_, err := do(ctx, conn)
			return err
		})
		s.damaged.Store(&again)
	}
	return got, err
}

// read runs a short read. It returns when ctx ends, but a statement that has begun continues. Canceling it would cost
// two connections: one that carries the cancellation, and the statement's own unless the server reacts immediately.
// Impatient clients could then drain the pool of a server that hangs for a few seconds, and everybody would have to
// reconnect.
func read[T catalog.Item, R any](ctx context.Context, s *Catalog[T], work *bounded.Work, do query[R]) (R, error) {
	return bounded.Do(ctx, work, func(statement context.Context) (got R, err error) {
		err = s.with(ctx, always, func(conn *pgxpool.Conn) (err error) {
			got, err = do(statement, conn)
			if statement.Err() != nil && conn.Conn().IsClosed() {
				s.pool.Reset() // the server is silent, so idle connections are probably dead too
			}
			return err
		})
		return got, err
	})
}

// with runs do on a connection of the pool, and classifies its error. A plan older than an ALTER TABLE is replaced on
// the same connection, since each has its own. Connections that broke while idle, as all of them do when the server
// restarts, are dropped until one works. Neither happens if mayRepeat reports that do must not be called again.
func (s *Catalog[T]) with(ctx context.Context, mayRepeat func() bool, do func(conn *pgxpool.Conn) error) error {
	for left := s.poolMax; ; left-- {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return causeOf(ctx, err)
		}
		broken, err := try(conn, mayRepeat, do)
		if !broken || err == nil || ctx.Err() != nil || left == 0 || !mayRepeat() {
			return causeOf(ctx, err)
		}
	}
}

// try runs do and releases the connection. It repeats do if that makes a new plan or if the first run was canceled by
// mistake. A broken connection leaves the pool at once, since closing it gracefully takes the driver some seconds if
// the server is silent.
func try(conn *pgxpool.Conn, mayRepeat func() bool, do func(conn *pgxpool.Conn) error) (broken bool, err error) {
	defer func() {
		if broken = conn.Conn().IsClosed(); broken {
			_ = conn.Hijack()
			return
		}
		conn.Release()
	}()
	err = do(conn)
	if (isStale(err) || isCanceled(err) && !isTimeLimit(err)) && mayRepeat() {
		err = do(conn)
	}
	return broken, err
}

func always() bool { return true }

// causeOf classifies err, or returns why ctx ended if that interrupted a statement.
func causeOf(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, catalog.ErrMaybeWritten) {
		return trouble(err)
	}
	if isConnection(err) || isCanceled(err) {
		return context.Cause(ctx)
	}
	return trouble(err)
}
