// Package peers draws from catalogs that other processes serve, over HTTP.
package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
)

// Config bounds the calls of a peer, within what remains of the request's deadline.
type Config struct {
	Connect         time.Duration `name:"peer-connect-timeout" default:"2s" help:"Time to connect to a peer."`
	Write           time.Duration `name:"peer-write-timeout" default:"2s" help:"Time to send a request to a peer."`
	Read            time.Duration `name:"peer-read-timeout" default:"5s" help:"Time a peer has to answer."`
	MaxConnections  int           `name:"peer-max-connections" default:"100" help:"Most connections to a peer."`
	IdleConnections int           `name:"peer-idle-connections" default:"20" help:"Most idle connections that are kept to a peer."`
	BreakerFailures uint          `name:"peer-breaker-failures" default:"20" help:"Failed calls in a row after which a peer is spared; 0 for never."`
	BreakerDelay    time.Duration `name:"peer-breaker-delay" default:"1s" help:"How long a peer is spared before it is tried again."`
}

// patience is the part of the read time-out that a call must have had, for its deadline to tell that the peer is slow.
const patience = 10

// maxAnswer is the largest answer that is read from a peer, in bytes.
const maxAnswer = 1 << 20

// Client draws random items from one catalog. It may be used concurrently.
type Client[T catalog.Item] struct {
	base, path string
	read       time.Duration
	http       *http.Client
	breaker    circuitbreaker.CircuitBreaker[any] // nil when there is none
}

// New returns the client of the catalog that is served below base, as in http://heroes:8000.
func New[T catalog.Item](kind catalog.Kind[T], base string, cfg Config) *Client[T] {
	dialer := &net.Dialer{Timeout: cfg.Connect}
	client := &Client[T]{
		base: strings.TrimSuffix(base, "/"),
		path: "/api/" + kind.Plural + "/random_" + kind.Singular,
		read: cfg.Read,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: nil, // no address but the configured one
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dialer.DialContext(ctx, network, address)
					if err != nil {
						return nil, err
					}
					return &writeLimited{conn, cfg.Write}, nil
				},
				TLSHandshakeTimeout:   cfg.Connect,
				ResponseHeaderTimeout: cfg.Read,
				MaxConnsPerHost:       cfg.MaxConnections,
				MaxIdleConnsPerHost:   cfg.IdleConnections,
				IdleConnTimeout:       50 * time.Second, // before the peer's 60
				DisableCompression:    true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if cfg.BreakerFailures > 0 {
		client.breaker = circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(cfg.BreakerFailures).WithDelay(cfg.BreakerDelay).WithSuccessThreshold(1).Build()
	}
	return client
}

// writeLimited gives each write its own time-out.
type writeLimited struct {
	net.Conn
	timeout time.Duration
}

func (c *writeLimited) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Ready has nothing at hand: each item is asked for.
func (c *Client[T]) Ready() (item T, ok bool) { return item, false }

// Random draws one item: fight.Source. It fails with catalog.ErrEmpty when the peer has none, fight.ErrOpen when
// the peer is spared, and a time-out when it is too slow.
func (c *Client[T]) Random(ctx context.Context) (T, error) {
	if c.breaker == nil {
		return c.fetch(ctx)
	}
	if !c.breaker.TryAcquirePermit() {
		var none T
		return none, fight.ErrOpen
	}
	begin := time.Now()
	item, err := c.fetch(ctx)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled): // whatever err says: it may be another peer's
		c.giveUp()
	case err != nil && ctx.Err() != nil && time.Since(begin) < c.read/patience: // else a hasty client could open it
		c.giveUp()
	case err == nil, errors.Is(err, catalog.ErrEmpty):
		c.breaker.RecordSuccess()
	default:
		c.breaker.RecordFailure()
	}
	return item, err
}

// giveUp ends a call that was given up, which tells nothing about the peer. When it was the trial of a spared peer,
// the next call may try.
func (c *Client[T]) giveUp() {
	if c.breaker.IsHalfOpen() {
		c.breaker.Open()
		c.breaker.HalfOpen()
	}
}

func (c *Client[T]) fetch(ctx context.Context) (T, error) {
	var item T
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	response, err := c.get(ctx, c.path)
	if err != nil {
		return item, err
	}
	defer func() { _ = response.Body.Close() }()
	// The header's time-out is the transport's; the body gets as long again.
	stop := time.AfterFunc(c.read, func() { cancel(context.DeadlineExceeded) })
	defer stop.Stop()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return item, context.Cause(ctx)
	case err != nil:
		return item, fmt.Errorf("the answer broke off: %w", err)
	case response.StatusCode == http.StatusNotFound && isUnknownPath(body):
		return item, errors.New("has no such path")
	case response.StatusCode == http.StatusNotFound:
		return item, catalog.ErrEmpty
	case response.StatusCode != http.StatusOK:
		return item, fmt.Errorf("answered %s", response.Status)
	}
	// Members of the family differ in the case of a name: othername.
	if err := json.Unmarshal(body, &item, json.MatchCaseInsensitiveNames(true)); err != nil {
		return item, fmt.Errorf("the answer can't be read: %w", err)
	}
	if item.Label() == "" {
		return item, errors.New("the answer has no name")
	}
	return item, nil
}

// isUnknownPath tells a 404 for the path, of ours or of FastAPI's making, from one for an empty catalog.
func isUnknownPath(body []byte) bool {
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return false
	}
	return problem.Detail == httpserver.UnknownPath || problem.Detail == "Not Found"
}

// get asks the peer, telling it the request's id and how long we will wait.
func (c *Client[T]) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if id := httpserver.RequestID(ctx); id != "" {
		request.Header.Set(httpserver.RequestIDHeader, id)
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := max(time.Until(deadline).Milliseconds(), 1)
		request.Header.Set(httpserver.TimeoutHeader, strconv.FormatInt(left, 10))
	}
	return c.http.Do(request)
}

// Check tells whether the peer answers, for the health page.
func (c *Client[T]) Check(ctx context.Context) error {
	response, err := c.get(ctx, "/readyz")
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

// Close ends the idle connections.
func (c *Client[T]) Close() error {
	c.http.CloseIdleConnections()
	return nil
}
