// Package rawhttp is the HTTP/1.1 client of a load generator: one kept-alive connection, one request at a time, and as
// little work for each as can be. It never sends a request twice, follows nothing and corrects nothing.
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
	// ErrConnect means that there was no connection, so that the server has not seen the request.
	ErrConnect = errors.New("can't connect")
	// ErrUnanswered means that the request, or a part of it, was sent and no whole answer came back.
	ErrUnanswered = errors.New("no whole answer")
)

// idle is how long a connection may rest before it is asked, at the cost of a system call, whether the server has
// closed it. A request that is written to a closed connection would be one without an answer, by no fault of the server.
const idle = 50 * time.Millisecond

// Conn is a connection to one server, made when it is first needed and again after a failure. It is not safe for
// concurrent use.
type Conn struct {
	address, host string
	secure        bool
	timeout       time.Duration
	conn          net.Conn
	in            buffer
	out           []byte
	used          time.Time // when the last answer came

	Sent, Received int64 // bytes, of HTTP, so far
	Dialled        int64 // connections made so far
}

// New returns a connection to the server at base, as in http://host:port. A request and its answer, with the connection
// when one must be made, may take as long as timeout.
func New(base string, timeout time.Duration) (*Conn, error) {
	at, err := url.Parse(base)
	if err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https" || at.User != nil ||
		at.Path != "" && at.Path != "/" || at.RawQuery != "" || at.Fragment != "" {
		return nil, errors.New("must be a base URL such as http://host:port, without user, path or query") // which may hold a password
	}
	port := at.Port()
	switch {
	case port != "":
	case at.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return &Conn{address: net.JoinHostPort(at.Hostname(), port), host: at.Host, secure: at.Scheme == "https", timeout: timeout}, nil
}

// Get returns the bytes of a GET, to be used again for each call of Do.
func (c *Conn) Get(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + c.host + "\r\nUser-Agent: superheroes-bench\r\nAccept: application/json\r\n\r\n")
}

// PostHead returns the part of a POST of JSON that is the same for each, for Post.
func (c *Conn) PostHead(path string) []byte {
	return []byte("POST " + path + " HTTP/1.1\r\nHost: " + c.host +
		"\r\nUser-Agent: superheroes-bench\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: ")
}

// Post sends a POST with a body.
func (c *Conn) Post(head, body []byte) (Answer, error) {
	c.out = append(c.out[:0], head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	return c.Do(c.out)
}

// Do sends a request once and returns the answer, whose body is valid until the next call. After an error the
// connection is closed; the next call makes another.
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
	before := c.in.received
	answer, err := c.in.answer(c.conn)
	c.Received += c.in.received - before
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
		c.conn = nil // an interface that holds a nil pointer is not nil
		return fmt.Errorf("%w: %w", ErrConnect, err)
	}
	c.Dialled++
	c.in.reset()
	return nil
}

// Close closes the connection, if there is one.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is left to be sent
		c.conn = nil
	}
}
