// Package rawhttp is an HTTP/1.1 client for a load generator: one keep-alive connection, one request at a time, and as
// little work per request as possible. It never retries, follows no redirects and corrects nothing.
package rawhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

var (
	// ErrConnect means that connecting failed, so the server has not seen the request.
	ErrConnect = errors.New("can't connect")
	// ErrUnanswered means that the request was sent, at least in part, but no complete response came back.
	ErrUnanswered = errors.New("no complete response")
)

// idle is how long a connection may be idle before Do checks, at the cost of a system call, whether the server has
// closed it. A request on a closed connection would count as unanswered even though the server did nothing wrong.
const idle = 50 * time.Millisecond

// Conn is a connection to one server. It is opened when first needed, and reopened after a failure. It is not safe for
// concurrent use.
type Conn struct {
	address, host string
	secure        bool
	timeout       time.Duration
	conn          net.Conn
	in            *reader
	out           []byte
	used          time.Time // when the last response arrived

	Sent, Received int64 // HTTP bytes so far
	Dialled        int64 // connections opened so far
}

// New returns a connection to the server at base, such as http://host:port. The timeout applies to a request and its
// response, including connecting if needed.
func New(base string, timeout time.Duration) (*Conn, error) {
	at, err := url.Parse(base)
	if err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https" || at.User != nil ||
		at.Path != "" && at.Path != "/" || at.RawQuery != "" || at.Fragment != "" {
		// The error doesn't quote the URL, which may contain a password.
		return nil, errors.New("must be a base URL such as http://host:port, without user, path or query")
	}
	port := at.Port()
	switch {
	case port != "":
	case at.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	address := net.JoinHostPort(at.Hostname(), port)
	return &Conn{address: address, host: at.Host, secure: at.Scheme == "https", timeout: timeout, in: newReader()}, nil
}

// Get returns the bytes of a GET request, which can be passed to Do any number of times.
func (c *Conn) Get(path string) []byte {
	return []byte(c.head("GET", path) + "\r\n")
}

// PostHead returns the constant part of a JSON POST request, to be passed to Post.
func (c *Conn) PostHead(path string) []byte {
	return []byte(c.head("POST", path) + "Content-Type: application/json\r\nContent-Length: ")
}

func (c *Conn) head(method, path string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: " + c.host +
		"\r\nUser-Agent: superheroes-bench\r\nAccept: application/json\r\n"
}

// Post sends a POST request that consists of a head returned by PostHead and a body.
func (c *Conn) Post(head, body []byte) (Answer, error) {
	c.out = append(c.out[:0], head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	return c.Do(c.out)
}

// Do sends a request once and returns the response, whose body is valid until the next call. After an error the
// connection is closed; the next call opens a new one.
func (c *Conn) Do(request []byte) (Answer, error) {
	start := time.Now()
	if c.conn != nil && start.Sub(c.used) > idle && hungUp(c.conn) {
		c.Close()
	}
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return Answer{}, err
		}
	}
	answer, err := c.exchange(request, start.Add(c.timeout))
	if err != nil {
		c.Close()
		return Answer{}, fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	if answer.Close {
		c.Close()
	}
	return answer, nil
}

func (c *Conn) exchange(request []byte, deadline time.Time) (Answer, error) {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return Answer{}, err
	}
	n, err := c.conn.Write(request)
	c.Sent += int64(n)
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.in.answer()
	c.used = time.Now()
	return answer, err
}

func (c *Conn) dial() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	var err error
	if c.secure {
		c.conn, err = new(tls.Dialer).DialContext(ctx, "tcp", c.address)
	} else {
		c.conn, err = new(net.Dialer).DialContext(ctx, "tcp", c.address)
	}
	if err != nil {
		c.conn = nil // a failed dial must not leave a typed nil in the interface
		return fmt.Errorf("%w: %w", ErrConnect, err)
	}
	c.Dialled++
	c.in.in.Reset(received{c})
	return nil
}

// received reads from the connection and counts the bytes received.
type received struct{ *Conn }

func (r received) Read(p []byte) (int, error) {
	n, err := r.conn.Read(p)
	r.Received += int64(n)
	return n, err
}

// Close closes the connection, if there is one.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close() // there is no unsent data
		c.conn = nil
	}
}
