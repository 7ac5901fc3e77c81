package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"superheroes/internal/storage"
)

const (
	connectTimeout = 2 * time.Second
	// maxOpening is how many connections are opened at the same time. A server that hangs isn't met with as many as the
	// pool may have, again and again.
	maxOpening = 4
)

// connect opens the pool. It fills itself in the background.
func connect(ctx context.Context, cfg Config) (*pgxpool.Pool, error) {
	config, err := parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	config.MinConns, config.MaxConns = int32(cfg.PoolMin), int32(cfg.PoolMax)
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.ConnConfig.BuildContextWatcherHandler = cancelOnServer
	config.ConnConfig.Tracer = make(opening, maxOpening)
	// Nobody waits for an answer to a ping: a connection that broke is noticed when it is used, and another taken.
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	return pool, nil
}

// parse reads a store URL. The driver's own error may show the password; so would its reading of one in which an @ isn't
// escaped, as the name of a host that can't be found.
func parse(text string) (*pgxpool.Config, error) {
	if location, err := url.Parse(text); err == nil {
		text = location.String()
	}
	config, err := pgxpool.ParseConfig(text)
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return nil, storage.As(storage.ErrSchema, file, "a file that the PostgreSQL URL names can't be read")
	case err != nil:
		return nil, storage.Errorf(storage.ErrSchema, "the PostgreSQL URL can't be read")
	}
	return config, nil
}

// cancelOnServer has the server end a statement whose context has ended, before the connection is given up.
func cancelOnServer(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 100 * time.Millisecond}
}

// opening is a pgx.ConnectTracer that lets as many connections be opened at the same time as it has room for.
type opening chan struct{}

// TraceConnectStart waits for room.
func (o opening) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	o <- struct{}{}
	return ctx
}

// TraceConnectEnd makes room.
func (o opening) TraceConnectEnd(context.Context, pgx.TraceConnectEndData) { <-o }

// TraceQueryStart does nothing.
func (opening) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd does nothing.
func (opening) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// checkPooler fails when a pooler stands before the server that gives each transaction another session and forgets
// prepared statements over it, unless the URL says that there shall be none. Behind such a pooler reads would fail now and
// then, and which ones is chance. A pooler is known by keys of cancellation that aren't the server's.
func checkPooler(ctx context.Context, pool *pgxpool.Pool) error {
	if pool.Config().ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return nil
	}
	one, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer one.Release()
	var pid uint32
	err = one.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	if err != nil || pid == one.Conn().PgConn().PID() {
		return err
	}
	other, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer other.Release()
	// The pooler gives the session that was used last to the next transaction, unless somebody else is faster.
	const tries = 5
	for range tries {
		if err := sharesStatements(ctx, one.Conn(), other.Conn()); err != nil {
			return err
		}
	}
	return nil
}

// sharesStatements fails when a statement that is prepared on one connection is in the way on the other.
func sharesStatements(ctx context.Context, one, other *pgx.Conn) error {
	name := "superheroes_" + rand.Text()
	const statement = "SELECT 1"
	if _, err := one.PgConn().Prepare(ctx, name, statement, nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, other, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().Prepare(ctx, name, statement, nil)
		var server *pgconn.PgError
		if err == nil || !errors.As(err, &server) || server.Code != errStatementExists {
			return err
		}
		return storage.As(storage.ErrSchema, err, poolerRemedy)
	})
}
