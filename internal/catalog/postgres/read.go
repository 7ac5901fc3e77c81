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
	// finishTime is how long a read may take, however soon its caller leaves, where the service's own deadline isn't longer.
	finishTime = 10 * time.Second
	// lockTimeout is for how long Ping waits for a locked table.
	lockTimeout = "'500ms'"
)

// reading is a read without its result.
type reading func(ctx context.Context, conn *pgxpool.Conn) error

// works are what a pool is used for, each with connections that the others can't take.
type works struct {
	bounded.Reads
	checks *bounded.Work // one at a time
}

// newWorks divides a pool of so many connections. One is left for writes, for the ids and for whoever asks how the store is.
func newWorks(pool int, deadline time.Duration) works {
	limit := deadline
	if limit > 0 {
		limit = max(limit, finishTime)
	}
	return works{bounded.NewReads(pool-1, limit), bounded.NewWork(limit, bounded.Unlimited, bounded.NewSlots("checks", 1))}
}

// close ends what is under way.
func (w works) close() {
	w.Close()
	w.checks.Close()
}

// readRows is read for what clients ask for. Damaged data that it finds is remembered for Ping.
func readRows[T catalog.Item, R any](ctx context.Context, s *Store[T], work *bounded.Work, do func(ctx context.Context, conn *pgxpool.Conn) (R, error)) (R, error) {
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

// read runs a short read. It returns when ctx ends; a statement that has begun goes on. Canceling it at once would cost two
// connections: one that carries the cancellation, and the statement's own when the server doesn't react immediately. Clients
// in a hurry would then empty the pool of a server that hangs for a few seconds, and everybody would have to reconnect.
func read[T catalog.Item, R any](ctx context.Context, s *Store[T], work *bounded.Work, do func(ctx context.Context, conn *pgxpool.Conn) (R, error)) (R, error) {
	return bounded.Do(ctx, work, func(statement context.Context) (got R, err error) {
		err = s.with(ctx, always, func(conn *pgxpool.Conn) (err error) {
			got, err = do(statement, conn)
			if statement.Err() != nil && conn.Conn().IsClosed() {
				s.pool.Reset() // the server is silent, and will hardly answer on connections that lie idle
			}
			return err
		})
		return got, err
	})
}

// with runs do on a connection of the pool, and returns its error as trouble. A plan that is older than an ALTER TABLE is
// made again, on the same connection: each has its own. Connections that broke while they were idle, as all of them do when the server is restarted, are dropped
// until one is found that works. Neither happens when mayRepeat says that do must not be called again.
func (s *Store[T]) with(ctx context.Context, mayRepeat func() bool, do func(conn *pgxpool.Conn) error) error {
	for left := s.poolMax; ; left-- {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return because(ctx, err)
		}
		broken, err := try(conn, mayRepeat, do)
		if !broken || err == nil || ctx.Err() != nil || left == 0 || !mayRepeat() {
			return because(ctx, err)
		}
	}
}

// try runs do, twice when that makes a new plan or the first run was canceled by mistake, and gives the connection back. A
// broken one leaves the pool at once: to close it in good order takes the driver some seconds where the server is silent.
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

// because returns trouble, or why ctx ended when that is what broke a statement off.
func because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, catalog.ErrMaybeWritten) {
		return trouble(err)
	}
	if isConnection(err) || isCanceled(err) {
		return context.Cause(ctx)
	}
	return trouble(err)
}
