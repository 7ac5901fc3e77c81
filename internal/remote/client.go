// Package remote accesses other services over HTTP: the catalogs that fights pick from, and the services behind the
// arena. It limits connections and time, and implements a circuit breaker for each peer. The package contains neither
// stores nor routes.
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
	"superheroes/internal/rawio"
	"superheroes/internal/telemetry"
)

// Config limits the calls to a peer. A call also stops at the request's deadline.
type Config struct {
	Connect         time.Duration `name:"peer-connect-timeout" default:"2s" help:"Time to connect to a peer."`
	Write           time.Duration `name:"peer-write-timeout" default:"2s" help:"Time to send a request to a peer."`
	Read            time.Duration `name:"peer-read-timeout" default:"5s" help:"Time a peer has to send its whole response."`
	MaxConnections  int           `name:"peer-max-connections" default:"100" help:"Maximum connections to a peer."`
	IdleConnections int           `name:"peer-idle-connections" default:"20" help:"Maximum idle connections kept open to a peer."`
	BreakerFailures uint          `name:"peer-breaker-failures" default:"20" help:"Consecutive failed calls that open the circuit breaker of a peer; 0 means never."`
	BreakerDelay    time.Duration `name:"peer-breaker-delay" default:"1s" help:"How long the circuit breaker of a peer stays open before a call is tried again."`
}

// Within returns the limits with all timeouts capped at the service's request timeout.
func (c Config) Within(deadline time.Duration) Config {
	c.Connect, c.Write, c.Read = min(c.Connect, deadline), min(c.Write, deadline), min(c.Read, deadline)
	return c
}

// patience determines how long a peer must have had to respond before a caller's deadline counts against it: the read
// timeout divided by patience.
const patience = 10

// maxResponse is the maximum size of a response for a single item, in bytes.
const maxResponse = 1 << 20

// Client picks random items from one catalog. It is safe for concurrent use.
type Client[T catalog.Item] struct {
	peer      string
	base      *url.URL // without user, query and fragment
	login     *url.Userinfo
	random    *http.Request // for one item
	picks     *http.Request // for many
	ready     *http.Request // for the peer's readiness
	read      time.Duration
	transport transport
	decoder   decoder[T]
	calls     *calls
	observed  observed
}

// New returns a client for the catalog served below base, such as http://heroes:8000.
func New[T catalog.Item](kind catalog.Kind[T], base string, cfg Config) *Client[T] {
	at, err := url.Parse(base)
	if err != nil {
		at = &url.URL{} // every call will fail, but the settings have already been validated
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

// request returns a template, used by send, for requests to the given path below base.
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

// Transport returns a transport for one peer with the limits of cfg.
func Transport(cfg Config) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.Connect}
	return &http.Transport{
		Proxy: nil, // don't use a proxy: connect only to the configured address
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &writeLimited{rawio.New(conn), cfg.Write}, nil
		},
		TLSHandshakeTimeout:   cfg.Connect,
		ResponseHeaderTimeout: cfg.Read,
		MaxConnsPerHost:       cfg.MaxConnections,
		MaxIdleConnsPerHost:   cfg.IdleConnections,
		IdleConnTimeout:       idleTime,
		DisableCompression:    true,
	}
}

// writeLimited gives each write its own timeout.
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

// Measure adds the metrics of the calls and the circuit breaker. Call it before the first call.
func (c *Client[T]) Measure(m *telemetry.Metrics) {
	c.calls.breaker.measure(m, c.peer)
	c.observed.measure(m, c.peer, c.base)
}

// Ready implements fight.Source. It always returns false, since a Client doesn't prefetch items.
func (c *Client[T]) Ready() (item T, ok bool) { return item, false }

// Refusal implements fight.Refuser.
func (c *Client[T]) Refusal() error {
	if c.calls.breaker.rejects() {
		return fight.ErrOpen
	}
	return nil
}

// Random implements fight.Source: it picks one item. It returns catalog.ErrEmpty if the peer has no items,
// fight.ErrOpen if the circuit breaker is open, and a timeout error if the peer is too slow. The call continues if its
// caller gives up.
func (c *Client[T]) Random(ctx context.Context) (item T, err error) {
	deadline, _ := ctx.Deadline()
	answer := new(T) // not the result itself: the caller may have returned before the response is decoded
	err = c.calls.do(ctx, true, func(ctx context.Context) (err error) {
		*answer, err = c.pickOne(ctx, deadline)
		return err
	})
	if err != nil {
		return item, err
	}
	return *answer, nil
}

// pickOne requests one item.
func (c *Client[T]) pickOne(ctx context.Context, deadline time.Time) (T, error) {
	body, _, err := c.fetch(ctx, c.random, deadline, maxResponse)
	if err != nil {
		var none T
		return none, err
	}
	return c.parse(body)
}

// parse decodes one item.
func (c *Client[T]) parse(body []byte) (item T, err error) {
	if item, err = c.decoder.one(body); err != nil {
		return item, fmt.Errorf("can't decode the response: %w", err)
	}
	if item.Label() == "" {
		return item, errors.New("the response has no name")
	}
	return item, nil
}

// errNoBatches means that a peer supports single picks only.
var errNoBatches = errors.New("batches are not supported")

// pickMany requests n items, and returns the received items and their age. An error that wraps errNoBatches may be
// accompanied by an item.
func (c *Client[T]) pickMany(ctx context.Context, n int, deadline time.Time) (items []T, age time.Duration, err error) {
	request := *c.picks
	at := *request.URL
	request.URL, at.RawQuery = &at, "count="+strconv.Itoa(n)
	body, header, err := c.fetch(ctx, &request, deadline, int64(n)*maxResponse)
	switch {
	case hasNoPicks(err):
		return nil, 0, errNoBatches
	case err != nil:
		return nil, 0, err
	case !isArray(body):
		item, err := c.parse(body)
		if err != nil {
			return nil, 0, err
		}
		return []T{item}, catalog.MaxAge, errNoBatches
	}
	if items, err = c.decoder.array(body, n); err != nil {
		return nil, 0, fmt.Errorf("can't decode the response: %w", err)
	}
	if len(items) == 0 {
		return nil, 0, catalog.ErrEmpty
	}
	if len(items) > n {
		return nil, 0, fmt.Errorf("the response has more than %d items", n)
	}
	if nameless := slices.IndexFunc(items, func(item T) bool { return item.Label() == "" }); nameless >= 0 {
		items = items[:nameless] // return the items before the nameless one
	}
	if len(items) == 0 {
		return nil, 0, errors.New("the response has no name")
	}
	ms, err := strconv.ParseUint(header.Get(httpserver.AgeHeader), 10, 31)
	if err != nil {
		return items[:1], catalog.MaxAge, errNoBatches // the peer isn't one of our services: the age is unknown
	}
	if age = time.Duration(ms) * time.Millisecond; age > catalog.MaxAge {
		return nil, 0, fmt.Errorf("the picks are %s old", age)
	}
	return items, age, nil
}

// hasNoPicks reports whether err, the error from a request for picks, means that the peer lacks the path for picks.
// This is the case for a 404, and for the invalid-id error that older versions of our own services return.
func hasNoPicks(err error) bool {
	var refusal statusError
	if errors.As(err, &refusal) {
		return refusal.status == http.StatusBadRequest || refusal.status == http.StatusUnprocessableEntity
	}
	return errors.Is(err, errNoPath) || errors.Is(err, catalog.ErrEmpty) // any other 404 looks like an empty catalog
}

// errNoPath means that the peer doesn't have the requested path.
var errNoPath = errors.New("has no such path")

// statusError is a response with a status other than 200 and 404.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return "returned " + e.text }

// fetch sends the request and returns the response's body, limited to the given number of bytes, and its header.
func (c *Client[T]) fetch(ctx context.Context, request *http.Request, deadline time.Time, most int64) (
	body []byte, header http.Header, err error,
) {
	status := 0
	ctx, call := c.observed.begin(ctx, http.MethodGet, request.URL.Path, request.URL.Path)
	defer func() { call.end(status, err) }()
	response, err := c.send(ctx, request, deadline)
	if err != nil {
		return nil, nil, err
	}
	status = response.StatusCode
	defer func() { _ = response.Body.Close() }()
	body, err = readBody(response, most)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case err != nil:
		return nil, nil, fmt.Errorf("the response was truncated: %w", err)
	case response.StatusCode == http.StatusNotFound && isUnknownPath(body):
		return nil, nil, errNoPath
	case response.StatusCode == http.StatusNotFound:
		return nil, nil, catalog.ErrEmpty
	case response.StatusCode != http.StatusOK:
		return nil, nil, statusError{response.StatusCode, response.Status}
	}
	return body, response.Header, nil
}

// readBody reads up to the given number of bytes of the body, using a single allocation if the peer states the
// length.
func readBody(response *http.Response, most int64) ([]byte, error) {
	if length := response.ContentLength; length < 0 || length > min(most, maxResponse) {
		return io.ReadAll(io.LimitReader(response.Body, most))
	}
	body := make([]byte, response.ContentLength)
	_, err := io.ReadFull(response.Body, body)
	return body, err
}

// isUnknownPath reports whether a 404 from one of our services or FastAPI means an unknown path rather than an empty
// catalog.
func isUnknownPath(body []byte) bool {
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return false
	}
	return problem.Detail == httpserver.UnknownPath || problem.Detail == "Not Found"
}

// send sends a copy of the request with the request id and the remaining time; a zero deadline means no limit.
func (c *Client[T]) send(ctx context.Context, of *http.Request, deadline time.Time) (*http.Response, error) {
	request := of.WithContext(ctx)
	request.Header = maps.Clone(of.Header)
	if id := httpserver.RequestID(ctx); id != "" {
		request.Header.Set(httpserver.RequestIDHeader, id)
	}
	httpserver.PassTrace(ctx, c.observed.tracer != nil, request.Header)
	if !deadline.IsZero() {
		httpserver.SetTimeout(request.Header, deadline)
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", request.URL, err)
	}
	return response, nil
}

// Check returns an error unless the peer is ready, for the health page.
func (c *Client[T]) Check(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	return c.calls.do(ctx, false, func(ctx context.Context) error {
		response, err := c.send(ctx, c.ready, deadline)
		if err != nil {
			return err
		}
		return checkReady(response)
	})
}

// checkReady reads the response of /readyz, and returns an error if the service isn't ready.
func checkReady(response *http.Response) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxResponse))
	err := response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("returned %s", response.Status)
	}
	return err
}

// Close cancels the calls in flight and closes the idle connections. Later calls fail.
func (c *Client[T]) Close() error {
	c.calls.work.Close()
	c.transport.CloseIdleConnections()
	return nil
}
