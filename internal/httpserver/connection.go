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
	// preface is the request line with which an HTTP/2 connection begins.
	preface = "PRI * HTTP/2.0"
	// shortest is the length of the shortest request line of HTTP/1: "A / HTTP/1.1".
	shortest = 12
)

// evicted is what connection.idle says of one that was closed to make room.
const evicted = -1

// connection is a client's connection that knows since when it is idle. It embeds its type, since net/http looks for
// CloseWrite, to let a client read the response that closes its connection, such as a 431.
type connection struct {
	*net.TCPConn
	limit *limit
	idle  atomic.Int64 // since when, by limit.now; 0 while there is a request; evicted

	// What was read first; net/http reads from one goroutine at a time.
	first [len(preface)]byte
	got   int
	http2 bool
	ended error // what ended the reading of the first request

	// Guarded by limit.mu.
	from  *host // nil once it is closed
	known int64 // a time from before which it isn't idle
	place int   // in from.connections
}

// Read notes that a request has begun to arrive, before anyone can know of it, unless the connection was just closed to
// make room.
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

// readFirst reads until it is known which protocol the client speaks. net/http peeks at as much before it reads a request,
// which has two faults that readFirst corrects: once the header time-out has passed, net/http would allow it a second time, and
// it would keep waiting after a complete line that is too short to be a request.
func (c *connection) readFirst(p []byte) (int, error) {
	switch {
	case c.ended != nil:
		return 0, c.ended
	case bytes.IndexByte(c.first[:min(c.got, shortest)], '\n') >= 0:
		return 0, io.ErrUnexpectedEOF // what was read is refused as malformed
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

// heard notes that the client has sent something: over HTTP/1 that is a request, over HTTP/2 it needn't be. It reports
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

// state is told of each request that begins or ends; over HTTP/2, of the first that begins and the last that ends.
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

// idleSince returns since when the connection is idle, now for one that isn't.
func (c *connection) idleSince(now int64) int64 {
	if since := c.idle.Load(); since > 0 {
		return since
	}
	return now
}

// evict claims a connection that has been idle since that time for being closed, which fails when a request has begun to
// arrive.
func (c *connection) evict(since int64) bool {
	return !pending(c.TCPConn) && c.idle.CompareAndSwap(since, evicted)
}

// Close closes the connection and gives its place to others.
func (c *connection) Close() error {
	c.limit.release(c)
	return c.TCPConn.Close()
}
