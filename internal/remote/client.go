// Package remote is what other services look like from here, over HTTP: the catalogs that fights are picked from, and the
// services behind the arena.
package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
)

// Config bounds the calls of a peer, within what remains of the request's deadline.
type Config struct {
	Connect         time.Duration `name:"peer-connect-timeout" default:"2s" help:"Time to connect to a peer."`
	Write           time.Duration `name:"peer-write-timeout" default:"2s" help:"Time to send a request to a peer."`
	Read            time.Duration `name:"peer-read-timeout" default:"5s" help:"Time a peer has to send its whole answer."`
	MaxConnections  int           `name:"peer-max-connections" default:"100" help:"Maximum connections to a peer."`
	IdleConnections int           `name:"peer-idle-connections" default:"20" help:"Maximum idle connections kept open to a peer."`
	BreakerFailures uint          `name:"peer-breaker-failures" default:"20" help:"Consecutive failed calls that open the circuit breaker of a peer; 0 means never."`
	BreakerDelay    time.Duration `name:"peer-breaker-delay" default:"1s" help:"How long the circuit breaker of a peer stays open before a call is tried again."`
}

// Within returns the same limits, none of which is longer than the deadline of the service's requests.
func (c Config) Within(deadline time.Duration) Config {
	c.Connect, c.Write, c.Read = min(c.Connect, deadline), min(c.Write, deadline), min(c.Read, deadline)
	return c
}

// patience is the part of the read time-out that a peer must have had, for its caller's deadline to show that it is slow.
const patience = 10

// maxAnswer is the largest answer that is read from a peer, in bytes.
const maxAnswer = 1 << 20

// Client picks random items from one catalog. It may be used concurrently.
type Client[T catalog.Item] struct {
	peer      string
	base      *url.URL // without user, query and fragment
	login     *url.Userinfo
	random    *http.Request // of one item
	picks     *http.Request // of many
	ready     *http.Request // of the peer's readiness
	read      time.Duration
	transport transport
	decoder   decoder[T]
	calls     *calls
}

// New returns the client of the catalog that is served below base, as in http://heroes:8000.
func New[T catalog.Item](kind catalog.Kind[T], base string, cfg Config) *Client[T] {
	at, err := url.Parse(base)
	if err != nil {
		at = &url.URL{} // every call fails: the settings should have been checked
	}
	c := &Client[T]{
		peer:    kind.Plural,
		base:    &url.URL{Scheme: at.Scheme, Host: at.Host, Path: cmp.Or(at.Path, "/"), RawPath: at.RawPath},
		login:   at.User,
		read:    cfg.Read,
		decoder: newDecoder(kind.Table),
		calls:   newCalls(cfg, at.Scheme != "http"),
	}
	c.random, c.picks = c.request("api", kind.Plural, "random_"+kind.Singular), c.request("api", kind.Plural, "picks")
	c.ready = c.request("readyz")
	c.transport = Transport(cfg)
	if at.Scheme == "http" {
		c.transport = newPlain(net.JoinHostPort(at.Hostname(), cmp.Or(at.Port(), "80")), cfg)
	}
	return c
}

// request returns a request of the path below base, which get copies.
func (c *Client[T]) request(path ...string) *http.Request {
	request := &http.Request{
		Method: http.MethodGet, URL: c.base.JoinPath(path...), Host: c.base.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
	}
	if c.login != nil {
		password, _ := c.login.Password()
		request.SetBasicAuth(c.login.Username(), password)
	}
	return request
}

// Transport returns the connections to one peer, with these limits.
func Transport(cfg Config) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.Connect}
	return &http.Transport{
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
		IdleConnTimeout:       idleTime,
		DisableCompression:    true,
	}
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

// Refusal implements fight.Refuser.
func (c *Client[T]) Refusal() error {
	if c.calls.breaker.refuses() {
		return fight.ErrOpen
	}
	return nil
}

// Random picks one item: fight.Source. It fails with catalog.ErrEmpty when the peer has none, fight.ErrOpen when its
// circuit breaker is open, and a time-out when it is too slow. A call whose caller leaves goes on by itself.
func (c *Client[T]) Random(ctx context.Context) (item T, err error) {
	deadline, _ := ctx.Deadline()
	answer := new(T) // the caller may have left when it comes
	err = c.calls.do(ctx, true, func(ctx context.Context) (err error) {
		*answer, err = c.one(ctx, deadline)
		return err
	})
	if err != nil {
		return item, err
	}
	return *answer, nil
}

// one asks for one item.
func (c *Client[T]) one(ctx context.Context, deadline time.Time) (T, error) {
	body, _, err := c.ask(ctx, c.random, deadline, maxAnswer)
	if err != nil {
		var none T
		return none, err
	}
	return parse[T](body)
}

// parse reads one item.
func parse[T catalog.Item](body []byte) (item T, err error) {
	// Members of the family differ in the case of a name: othername.
	if err := json.Unmarshal(body, &item, json.MatchCaseInsensitiveNames(true)); err != nil {
		return item, fmt.Errorf("the answer can't be read: %w", err)
	}
	if item.Label() == "" {
		return item, errors.New("the answer has no name")
	}
	return item, nil
}

// errNoBatches means that a peer answers single picks only.
var errNoBatches = errors.New("knows no batches")

// many asks for n items, and returns those that came and how old they were. An error that wraps errNoBatches may come with
// an item.
func (c *Client[T]) many(ctx context.Context, n int, deadline time.Time) (items []T, age time.Duration, err error) {
	request := *c.picks
	at := *request.URL
	request.URL, at.RawQuery = &at, "count="+strconv.Itoa(n)
	body, header, err := c.ask(ctx, &request, deadline, int64(n)*maxAnswer)
	switch {
	case hasNoPicks(err):
		return nil, 0, errNoBatches
	case err != nil:
		return nil, 0, err
	case !isArray(body):
		item, err := parse[T](body)
		if err != nil {
			return nil, 0, err
		}
		return []T{item}, catalog.MaxAge, errNoBatches
	}
	if items, err = c.decoder.array(body, n); err != nil {
		return nil, 0, fmt.Errorf("the answer can't be read: %w", err)
	}
	if len(items) == 0 {
		return nil, 0, catalog.ErrEmpty
	}
	if len(items) > n {
		return nil, 0, fmt.Errorf("the answer has more than %d items", n)
	}
	if nameless := slices.IndexFunc(items, func(item T) bool { return item.Label() == "" }); nameless >= 0 {
		items = items[:nameless] // it fails no more picks than by itself
	}
	if len(items) == 0 {
		return nil, 0, errors.New("the answer has no name")
	}
	ms, err := strconv.ParseUint(header.Get(httpserver.AgeHeader), 10, 31)
	if err != nil {
		return items[:1], catalog.MaxAge, errNoBatches // not ours: it says nothing of their age
	}
	if age = time.Duration(ms) * time.Millisecond; age > catalog.MaxAge {
		return nil, 0, fmt.Errorf("the answer is %s old", age)
	}
	return items, age, nil
}

// hasNoPicks reports whether an answer to a request for picks means that the peer has no such path: a 404, or what a path
// that takes an id says of an id that is no number. Our own services did so before they had the path.
func hasNoPicks(err error) bool {
	var refusal statusError
	if errors.As(err, &refusal) {
		return refusal.status == http.StatusBadRequest || refusal.status == http.StatusUnprocessableEntity
	}
	return errors.Is(err, errNoPath) || errors.Is(err, catalog.ErrEmpty) // the 404 of a random path
}

// errNoPath means that a peer has nothing at the path.
var errNoPath = errors.New("has no such path")

// statusError is an answer that is neither 200 nor 404.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return "answered " + e.text }

// ask returns the body, of at most so many bytes, and the header of what the peer answers.
func (c *Client[T]) ask(ctx context.Context, request *http.Request, deadline time.Time, most int64) ([]byte, http.Header, error) {
	response, err := c.get(ctx, request, deadline)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := readBody(response, most)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case err != nil:
		return nil, nil, fmt.Errorf("the answer broke off: %w", err)
	case response.StatusCode == http.StatusNotFound && isUnknownPath(body):
		return nil, nil, errNoPath
	case response.StatusCode == http.StatusNotFound:
		return nil, nil, catalog.ErrEmpty
	case response.StatusCode != http.StatusOK:
		return nil, nil, statusError{response.StatusCode, response.Status}
	}
	return body, response.Header, nil
}

// readBody reads at most so many bytes, in one piece where the peer says how many there are.
func readBody(response *http.Response, most int64) ([]byte, error) {
	if length := response.ContentLength; length < 0 || length > min(most, maxAnswer) {
		return io.ReadAll(io.LimitReader(response.Body, most))
	}
	body := make([]byte, response.ContentLength)
	_, err := io.ReadFull(response.Body, body)
	return body, err
}

// isUnknownPath reports whether a 404 is for the path, of ours or of FastAPI's making, rather than for an empty catalog.
func isUnknownPath(body []byte) bool {
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return false
	}
	return problem.Detail == httpserver.UnknownPath || problem.Detail == "Not Found"
}

// get asks the peer, telling it the request's id and how long we will wait; for ever when the deadline is zero.
func (c *Client[T]) get(ctx context.Context, of *http.Request, deadline time.Time) (*http.Response, error) {
	request := of.WithContext(ctx)
	request.Header = maps.Clone(of.Header)
	if id := httpserver.RequestID(ctx); id != "" {
		request.Header.Set(httpserver.RequestIDHeader, id)
	}
	if !deadline.IsZero() {
		httpserver.SetTimeout(request.Header, deadline)
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", request.URL, err)
	}
	return response, nil
}

// Check asks whether the peer is ready, for the health page.
func (c *Client[T]) Check(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	return c.calls.do(ctx, false, func(ctx context.Context) error {
		response, err := c.get(ctx, c.ready, deadline)
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
	})
}

// Close ends the calls under way and the idle connections. Calls that follow fail.
func (c *Client[T]) Close() error {
	c.calls.work.Close()
	c.transport.CloseIdleConnections()
	return nil
}
