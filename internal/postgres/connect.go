package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"superheroes/internal/rawio"
	"superheroes/internal/storage"
)

const (
	// connectTimeout limits the time to connect, unless the URL contains connect_timeout.
	connectTimeout = 2 * time.Second
	// statementCache is the number of prepared statements that a connection remembers, more than the store has. The
	// driver allocates memory for its default of 512 right away, 50 KiB for each connection.
	statementCache = 32
	// maxOpening limits how many connections are opened at the same time. Without this limit, the pool would try to
	// open all its connections to a hanging server every two seconds.
	maxOpening = 4
)

// connections is a pool together with the state needed to open its connections.
type connections struct {
	*pgxpool.Pool
	opening chan struct{} // holds one element per connection being opened
	pooled  atomic.Bool   // whether there is a pooler in front of the server
	close   sync.Once
	closing chan struct{} // closed when the pool closes, after which no connection may be opened
}

// connect opens the pool, which opens its minimum number of connections in the background.
func connect(ctx context.Context, cfg Config) (*connections, error) {
	config, err := ParseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	c := &connections{opening: make(chan struct{}, maxOpening), closing: make(chan struct{})}
	config.MinConns, config.MaxConns = int32(cfg.PoolMin), int32(cfg.PoolMax)
	config.ConnConfig.ConnectTimeout = cmp.Or(config.ConnConfig.ConnectTimeout, connectTimeout)
	config.ConnConfig.StatementCacheCapacity = min(config.ConnConfig.StatementCacheCapacity, statementCache)
	config.ConnConfig.DescriptionCacheCapacity = min(config.ConnConfig.DescriptionCacheCapacity, statementCache)
	// The session uses UTF-8, whatever the database's encoding. The driver's simple protocol requires client_encoding
	// and standard_conforming_strings to be set.
	config.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	config.ConnConfig.RuntimeParams["standard_conforming_strings"] = "on"
	config.ConnConfig.BuildContextWatcherHandler = cancelOnServer
	config.ConnConfig.DialFunc = c.dialer(config.ConnConfig.DialFunc)
	config.ConnConfig.Tracer = c
	config.BeforeConnect = c.waitToOpen
	if cfg.Deadline > 0 {
		config.AfterConnect = boundLocks(cfg.Deadline * 4 / 5)
	}
	// A connection isn't pinged before use: Catalog.with notices that a connection is broken when using it, and
	// switches to another one.
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	if c.Pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	return c, nil
}

// boundLocks returns a hook that limits how long statements of a session wait for a lock, unless the URL, the user or
// the database already sets a limit. The hook doesn't change a pooler's session, which other clients use too. The hook
// has the same time limit as opening the connection, because the pool sets no limit, and a connection being opened
// occupies a slot in the pool.
func boundLocks(timeout time.Duration) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, conn *pgx.Conn) error {
		silent := storage.Errorf(storage.ErrUnavailable, "the server accepts connections but does not respond")
		ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, silent)
		defer cancel()
		const bound = `SELECT set_config('lock_timeout', $1::text, false)
			WHERE pg_backend_pid() = $2::int8 AND current_setting('lock_timeout') = '0'`
		milliseconds := strconv.FormatInt(timeout.Milliseconds(), 10)
		_, err := conn.Exec(ctx, bound, pgx.QueryExecModeSimpleProtocol, milliseconds, int64(conn.PgConn().PID()))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
}

// ParseURL parses a store URL. Its errors reveal nothing about the URL except the name of an unreadable file; the
// driver's own errors might reveal the password.
func ParseURL(text string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(text)
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return nil, storage.As(storage.ErrSchema, file, "a file named in the PostgreSQL URL can't be read")
	case err != nil:
		return nil, storage.Errorf(storage.ErrSchema,
			"the PostgreSQL URL is invalid; it must look like postgres://user:password@host:port/database")
	}
	return config, nil
}

// cancelOnServer returns a handler that makes the server cancel a statement when its context ends, before the
// connection is abandoned.
func cancelOnServer(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 100 * time.Millisecond}
}

type (
	// callerKey is the context key for the caller's context: the pool opens a connection with a context that has the
	// values of the caller's context, but not its deadline.
	callerKey struct{}
	// statementsKey is the context key that is set when a connection is opened for statements, but not when a
	// connection is opened to send a cancellation.
	statementsKey struct{}
)

// Acquire returns a connection from the pool. It doesn't open a connection for a caller whose context has ended in the
// meantime.
func (c *connections) Acquire(ctx context.Context) (*pgxpool.Conn, error) {
	return c.Pool.Acquire(context.WithValue(ctx, callerKey{}, ctx))
}

// waitToOpen waits until fewer than maxOpening connections are being opened.
func (c *connections) waitToOpen(ctx context.Context, _ *pgx.ConnConfig) error {
	if asking, ok := ctx.Value(callerKey{}).(context.Context); ok {
		ctx = asking
	}
	select {
	case c.opening <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.closing:
		return errors.New("the pool is closed")
	}
}

// Close closes the pool.
func (c *connections) Close() {
	c.close.Do(func() { close(c.closing) })
	c.Pool.Close()
}

// TraceConnectStart implements pgx.ConnectTracer. The driver calls it after waitToOpen.
func (*connections) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return context.WithValue(ctx, statementsKey{}, true)
}

// TraceConnectEnd implements pgx.ConnectTracer: it allows the next connection to be opened.
func (c *connections) TraceConnectEnd(context.Context, pgx.TraceConnectEndData) { <-c.opening }

// TraceQueryStart does nothing.
func (*connections) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd does nothing.
func (*connections) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// dialer wraps dial so that no cancellation is sent to a pooler: PgBouncer 1.18 exits with "bad client state" if
// several arrive at the same time. A pooler closes the server's session anyway when the client closes its connection.
func (c *connections) dialer(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if c.pooled.Load() && ctx.Value(statementsKey{}) == nil {
			return nil, errors.New("cancellations are not sent through a pooler")
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return rawio.New(conn), nil
	}
}

// checkPooler detects a pooler such as PgBouncer: the process id sent at connection startup is not that of the server
// process. Unless the URL disables prepared statements, checkPooler fails if the pooler assigns each transaction a
// different session, because prepared statements would get lost and reads would fail at random.
func (c *connections) checkPooler(ctx context.Context) error {
	one, err := c.Acquire(ctx)
	if err != nil {
		return err
	}
	defer one.Release()
	var pid uint32
	err = one.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	if err != nil || pid == one.Conn().PgConn().PID() {
		return err
	}
	c.pooled.Store(true)
	if c.Config().ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		return nil
	}
	other, err := c.openAnother(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = other.Close(ctx) }()
	// A pooler assigns the most recently used session to the next transaction, unless another client is faster.
	const tries = 5
	for range tries {
		if err := sharesStatements(ctx, one.Conn(), other); err != nil {
			return err
		}
	}
	return nil
}

// openAnother opens a connection outside the pool, since the pool may be limited to a single connection.
func (c *connections) openAnother(ctx context.Context) (*pgx.Conn, error) {
	if err := c.waitToOpen(ctx, nil); err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, c.Config().ConnConfig)
}

// sharesStatements returns an error if a statement prepared on one connection conflicts with a statement prepared on
// the other.
func sharesStatements(ctx context.Context, one, other *pgx.Conn) error {
	name := "superheroes_" + rand.Text()
	const statement = "SELECT 1"
	if _, err := one.PgConn().Prepare(ctx, name, statement, nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, other, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().Prepare(ctx, name, statement, nil)
		if codeOf(err) != statementExists {
			return err
		}
		return storage.As(storage.ErrSchema, err, poolerRemedy)
	})
}
