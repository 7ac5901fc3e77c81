package rawhttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// maxAnswer is the maximum size of a response body, in bytes.
	maxAnswer = 256 << 20
	// patience is the number of consecutive failed exchanges after which the client gives up on the server.
	patience = 3
)

var (
	// ErrTooMany means that the run has reached its request limit.
	ErrTooMany = errors.New("the run has reached its request limit")
	// ErrGivenUp means that the server failed to respond several times in a row, so the client sends it no more
	// requests.
	ErrGivenUp = errors.New("the server failed to respond several times in a row, so no more requests are sent")
)

// Client sends requests to one server, each on its own connection. A Client may be used concurrently.
type Client struct {
	base    *url.URL
	timeout time.Duration
	left    *atomic.Int64
	failed  atomic.Int64 // consecutive exchanges without a response
}

// NewClient returns a client for the server at base, such as http://host:port. timeout bounds each exchange. left is
// the number of requests that all clients created with the same counter may still send in total.
func NewClient(base string, timeout time.Duration, left *atomic.Int64) (*Client, error) {
	at, err := url.Parse(base)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.Path != "" && at.Path != "/" || at.RawQuery != "" {
		return nil, fmt.Errorf("%q is not a base URL such as http://host:port", base)
	}
	return &Client{base: at, timeout: timeout, left: left}, nil
}

// Origin returns the origin of the server's own pages.
func (c *Client) Origin() string { return c.base.Scheme + "://" + c.base.Host }

// Do sends the request once and returns the response. If the exchange fails, Do returns the error along with whatever
// was received; Status is 0 if no status line was received.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	if c.failed.Load() >= patience {
		return Answer{Call: call}, ErrGivenUp
	}
	if c.left.Add(-1) < 0 {
		return Answer{Call: call}, ErrTooMany
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.exchange(ctx, call)
	if err != nil {
		c.failed.Add(1)
		return answer, err
	}
	c.failed.Store(0)
	return answer, nil
}

func (c *Client) exchange(ctx context.Context, call Call) (Answer, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return Answer{Call: call}, fmt.Errorf("connecting: %w", err)
	}
	defer func() { _ = conn.Close() }() // the response has been read, so an error from Close doesn't matter
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	written := make(chan struct{})
	defer func() { <-written }()
	// A server may respond, and stop reading, before it has received the whole request, so write errors are ignored.
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, call.bytes(c.base.Host))
	}()
	defer func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) }()
	answer, err := receive(bufio.NewReader(conn), call)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no complete response within %s", c.timeout)
	}
	return answer, err
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	port := c.base.Port()
	if c.base.Scheme == "https" {
		if port == "" {
			port = "443"
		}
		return new(tls.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.base.Hostname(), port))
	}
	if port == "" {
		port = "80"
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.base.Hostname(), port))
}

// receive reads a response, skipping any interim (1xx) responses that precede it.
func receive(reader *bufio.Reader, call Call) (Answer, error) {
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: call.method()})
		if err != nil {
			return Answer{Call: call}, fmt.Errorf("reading the response: %w", err)
		}
		if response.StatusCode < http.StatusOK {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err = errors.Join(err, response.Body.Close()); err != nil {
			err = fmt.Errorf("reading the body of a %d response: %w", response.StatusCode, err)
		}
		return Answer{call, response.StatusCode, response.Header, body}, err
	}
}
