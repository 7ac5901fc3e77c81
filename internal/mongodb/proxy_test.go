package mongodb

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"superheroes/test/mongowire"
	"superheroes/test/tcpproxy"
)

// fate is what happens to an insert that passes the proxy.
type fate int

const (
	deliver     fate = iota
	cutBefore        // the connection breaks before the server receives anything
	cutWithin        // … after the server has received half of the command
	cutAfter         // … after the server has responded, before the client receives anything
	cutAnswer        // … after the client has received half of the response
	stallBefore      // nothing reaches the server any more, but no connection breaks
	stallAfter       // … the client
	fates            // the number of fates
)

func (f fate) String() string {
	return [...]string{"deliver", "cut before", "cut within", "cut after", "cut answer", "stall before", "stall after"}[f]
}

// proxy decides the fate of each insert that clients send to a server.
type proxy struct {
	*tcpproxy.Proxy
	decide func(nth int) fate // of the nth insert, from 0
	stalls chan struct{}      // receives one element if a connection stalls; it need not be read

	mu      sync.Mutex
	inserts [][]byte
}

// startProxy starts a proxy to the server, which is stopped at the end of the test.
func startProxy(tb testing.TB, server string, decide func(nth int) fate) *proxy {
	tb.Helper()
	p := &proxy{decide: decide, stalls: make(chan struct{}, 1)}
	p.Proxy = tcpproxy.Start(tb, server, p.relays)
	return p
}

// sent returns the insert messages that have passed.
func (p *proxy) sent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.inserts)
}

func (p *proxy) relays() (up, down tcpproxy.Relay) {
	c := &connection{proxy: p}
	return c.up, c.down
}

// connection relays MongoDB's messages between a client and the server.
type connection struct {
	*proxy
	current atomic.Int64 // the fate of the last forwarded message
}

// up relays the client's messages.
func (c *connection) up(server io.Writer, client io.Reader) {
	for {
		message, err := mongowire.ReadMessage(client)
		if err != nil {
			return
		}
		become := c.fateOf(message)
		switch become {
		case cutBefore:
			return
		case cutWithin:
			_, _ = server.Write(message[:len(message)/2])
			return
		case stallBefore:
			c.stalled()
			_, _ = io.Copy(io.Discard, client)
			return
		}
		c.current.Store(int64(become))
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// down relays the server's responses.
func (c *connection) down(client io.Writer, server io.Reader) {
	for {
		message, err := mongowire.ReadMessage(server)
		if err != nil {
			return
		}
		switch fate(c.current.Load()) {
		case cutAfter:
			return
		case cutAnswer:
			_, _ = client.Write(message[:len(message)/2])
			return
		case stallAfter:
			c.stalled()
			_, _ = io.Copy(io.Discard, server)
			return
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

func (p *proxy) stalled() {
	select {
	case p.stalls <- struct{}{}:
	default:
	}
}

// fateOf decides the fate of a message with an insert, and delivers any other.
func (p *proxy) fateOf(message []byte) fate {
	if !bytes.Contains(message, []byte("\x02insert\x00")) { // BSON: a string named insert
		return deliver
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inserts = append(p.inserts, message)
	return p.decide(len(p.inserts) - 1)
}
