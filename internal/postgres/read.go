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
	// finishTime limits the total duration of a read that continues after its caller gave up, unless the service's own
	// deadline is longer.
	finishTime = 10 * time.Second
	// lockTimeout is how long Ping waits for a lock on the table.
	lockTimeout = "'500ms'"
)

type (
	// query is a function that reads from the database over the given connection.
	query[R any] = func(ctx context.Context, conn *pgxpool.Conn) (R, error)
	// reading is like query, but discards the result.
	reading func(ctx context.Context, conn *pgxpool.Conn) error
)

// works divides a connection pool among several uses, each with its own reserved connections.
type works struct {
	bounded.Reads
	checks *bounded.Work // readiness checks run one at a time
}

// newWorks divides a pool of the given size. One connection is reserved for writes, reads of the ids, and checks.
func newWorks(pool int, deadline time.Duration) works {
	limit := deadline
	if limit > 0 {
		limit = max(limit, finishTime)
	}
	return works{bounded.NewReads(pool-1, limit), bounded.NewWork(limit, bounded.Unlimited, bounded.NewSlots("checks", 1))}
}

// close cancels all operations in progress.
func (w works) close() {
	w.Close()
	w.checks.Close()
}

// readRows is like read, but for client requests. If the read fails because of damaged data, readRows remembers it so
// that Ping can repeat it.
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

// read runs a short query. It returns when ctx ends, but a statement that has already started continues. Canceling the
// statement would cost two connections: one to send the cancellation, and the statement's own unless the server reacts
// immediately. If statements were canceled, clients that give up while the server hangs for a few seconds could drain
// the pool, and all connections would have to be reopened.
func read[T catalog.Item, R any](ctx context.Context, s *Catalog[T], work *bounded.Work, do query[R]) (R, error) {
	return bounded.Do(ctx, work, func(statement context.Context) (got R, err error) {
		err = s.with(ctx, always, func(conn *pgxpool.Conn) (err error) {
			got, err = do(statement, conn)
			if statement.Err() != nil && conn.Conn().IsClosed() {
				s.pool.Reset() // the server doesn't respond, so idle connections are probably dead too
			}
			return err
		})
		return got, err
	})
}

// with runs do on a connection from the pool, and classifies its error. If the query plan is older than an ALTER TABLE,
// it repeats do on the same connection, since each connection has its own plans. If the connection broke while idle, as
// all idle connections do when the server restarts, it drops the connection and tries others until one works. It
// doesn't repeat do if mayRepeat returns false.
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

// try runs do, then releases the connection. It repeats do if the driver will make a new plan, or if the first call was
// canceled by mistake. A broken connection is removed from the pool immediately, since closing it gracefully takes the
// driver several seconds if the server doesn't respond.
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

// causeOf classifies err, or returns the cause of ctx if the statement was interrupted because ctx ended.
func causeOf(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, catalog.ErrMaybeWritten) {
		return trouble(err)
	}
	if isConnection(err) || isCanceled(err) {
		return context.Cause(ctx)
	}
	return trouble(err)
}
