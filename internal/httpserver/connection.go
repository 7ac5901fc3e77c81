package httpserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

const (
	// preface is the request line that starts an HTTP/2 connection.
	preface = "PRI * HTTP/2.0"
	// shortest is the length of the shortest request line of HTTP/1: "A / HTTP/1.1".
	shortest = 12
)

// evicted is the value of connection.idle for a connection closed to make room.
const evicted = -1

// connection is a client connection that records since when it has been idle. It embeds its concrete type because
// net/http looks for CloseWrite, to let a client read the response that closes its connection, such as a 431.
type connection struct {
	*net.TCPConn
	limit *limit
	idle  atomic.Int64 // since when, by limit.now; 0 while a request is in flight; evicted

	// What was read first; net/http reads from one goroutine at a time.
	first [len(preface)]byte
	got   int
	http2 bool
	ended error // the error that ended reading the first request

	// Guarded by limit.mu.
	from  *host // nil once it is closed
	used  int64 // when it was last found with a request about to be read
	index int   // in limit.open
}

// Read records that a request has begun to arrive before the caller sees any of it, unless the connection was just
// closed to make room.
func (c *connection) Read(p []byte) (int, error) {
	if c.got < len(preface) {
		return c.readFirst(p)
	}
	n, err := c.TCPConn.Read(p)
	if n > 0 && !c.heard() {
		return 0, net.ErrClosed
	}
	return n, err
}

// readFirst reads until the client's protocol is known. net/http peeks at as much before it reads a request, with two
// faults that readFirst corrects: after the header timeout it would allow the same time again, and it would keep
// waiting after a complete line that is too short for a request.
func (c *connection) readFirst(p []byte) (int, error) {
	switch {
	case c.ended != nil:
		return 0, c.ended
	case bytes.IndexByte(c.first[:min(c.got, shortest)], '\n') >= 0:
		return 0, io.ErrUnexpectedEOF // net/http refuses what was read as malformed
	}
	n, err := c.TCPConn.Read(p)
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

// heard records that the client has sent something: over HTTP/1 a request, over HTTP/2 not necessarily. It reports
// whether the connection is still open.
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

// state records the start and end of requests; over HTTP/2, the start of the first and the end of the last.
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

// evict claims a connection for closing if it has been idle since the given time. It fails if a request has begun to
// arrive.
func (c *connection) evict(since int64) bool {
	return !pending(c.TCPConn) && c.idle.CompareAndSwap(since, evicted)
}

// Close closes the connection and frees its slot.
func (c *connection) Close() error {
	c.limit.release(c)
	return c.TCPConn.Close()
}
