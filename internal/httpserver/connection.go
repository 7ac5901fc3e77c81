package httpserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"

	"superheroes/internal/rawio"
)

const (
	// preface is the request line that starts an HTTP/2 connection.
	preface = "PRI * HTTP/2.0"
	// shortest is the length of the shortest HTTP/1 request line: "A / HTTP/1.1".
	shortest = 12
)

// evicted is the value of connection.idle for a connection that was closed to make room for another.
const evicted = -1

// connection is a client connection that records when it became idle. It embeds a *net.TCPConn rather than a net.Conn,
// because net/http needs the CloseWrite method to let a client read a response sent just before the connection closes,
// such as a 431.
type connection struct {
	*net.TCPConn
	raw   *rawio.Conn // TCPConn, for reads and writes
	limit *limit
	idle  atomic.Int64 // when the connection became idle, from limit.now; 0 during a request; evicted after eviction

	// The first bytes read from the client. These fields need no lock, because net/http reads from one goroutine at a
	// time.
	first [len(preface)]byte
	got   int
	http2 bool
	ended error // set after a timeout while reading the first request

	// Guarded by limit.mu.
	from  *host // nil once the connection is closed
	used  int64 // the last time makeRoom found that a request was about to be read
	index int   // in limit.open
}

// Before Read returns any part of a request, it records that the request has begun to arrive. It fails if the
// connection was just closed to make room.
func (c *connection) Read(p []byte) (int, error) {
	if c.got < len(preface) {
		return c.readFirst(p)
	}
	n, err := c.raw.Read(p)
	if n > 0 && !c.heard() {
		return 0, net.ErrClosed
	}
	return n, err
}

// readFirst reads until it knows the client's protocol. Before reading the first request, net/http peeks at the same
// bytes, and readFirst works around two flaws in how it does that. When the header timeout expires, net/http restarts
// the timeout once. After a complete line that is too short for a request, net/http keeps waiting for more bytes.
func (c *connection) readFirst(p []byte) (int, error) {
	switch {
	case c.ended != nil:
		return 0, c.ended
	case bytes.IndexByte(c.first[:min(c.got, shortest)], '\n') >= 0:
		return 0, io.ErrUnexpectedEOF // net/http refuses the line as malformed
	}
	n, err := c.raw.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.ended = err
	}
	c.got += copy(c.first[c.got:], p[:n])
	c.http2 = c.got == len(preface) && string(c.first[:]) == preface
	if n > 0 && !c.heard() {
		return 0, net.ErrClosed
	}
	return n, err
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) { return c.raw.Write(p) }

// heard records that the client has sent data. Over HTTP/1 the data always belongs to a request; over HTTP/2 it may
// not. It reports whether the connection is still open.
func (c *connection) heard() bool {
	for {
		since := c.idle.Load()
		var now int64
		switch {
		case since == evicted:
			return false
		case since == 0:
			return true
		case c.http2:
			now = c.limit.now()
		}
		if c.idle.CompareAndSwap(since, now) {
			return true
		}
	}
}

// state records when a connection becomes active or idle. Over HTTP/1, this is at the start and end of each request;
// over HTTP/2, at the start of the first concurrent request and the end of the last.
func (c *connection) state(state http.ConnState) {
	var since int64
	switch state {
	case http.StateActive:
	case http.StateIdle:
		since = c.limit.now()
	default:
		return
	}
	for {
		old := c.idle.Load()
		if old == since || old == evicted || c.idle.CompareAndSwap(old, since) {
			return
		}
	}
}

// evict marks a connection as evicted if it has been idle since the given time. It fails if a request has begun to
// arrive.
func (c *connection) evict(since int64) bool {
	return !pending(c.TCPConn) && c.idle.CompareAndSwap(since, evicted)
}

// Close closes the connection and frees its slot.
func (c *connection) Close() error {
	c.limit.release(c)
	return c.TCPConn.Close()
}
