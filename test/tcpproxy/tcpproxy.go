// Package tcpproxy provides a TCP proxy between a client and a server, for tests in which the network breaks or hangs.
// The proxy is independent of the protocol above TCP.
package tcpproxy

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// State determines how a proxy handles data and connections.
type State int

const (
	// Passes is the initial state: everything is forwarded.
	Passes State = iota
	// Hangs accepts connections and data but forwards nothing, like a server whose process is suspended.
	Hangs
	// Refuses closes new connections immediately. Existing connections stay open unless Cut is called.
	Refuses

	ended // the state after the test has ended
)

// Relay forwards data in one direction of a connection. When Relay returns, the proxy closes both directions.
type Relay func(to io.Writer, from io.Reader)

// Relays returns the relays for a new connection: up for data from the client, down for data from the server.
type Relays func() (up, down Relay)

// All is an implementation of Relays that forwards everything.
func All() (up, down Relay) {
	all := func(to io.Writer, from io.Reader) { _, _ = io.Copy(to, from) }
	return all, all
}

// Proxy forwards connections to a server. A Proxy is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	server   string
	relays   Relays
	delay    atomic.Int64 // delay in nanoseconds
	opened   atomic.Int64

	mu      sync.Mutex
	changed *sync.Cond // signals that the state has changed
	state   State
	conns   []net.Conn
	wait    sync.WaitGroup
}

// Start starts a proxy for the server at the given address. The proxy stops when the test ends.
func Start(tb testing.TB, server string, relays Relays) *Proxy {
	tb.Helper()
	p, err := Listen(tb.Context(), "127.0.0.1:0", server, relays)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// Listen is like Start, for programs other than tests: it listens on the given address. The caller must close the proxy.
func Listen(ctx context.Context, address, server string, relays Relays) (*Proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, server: server, relays: relays}
	p.changed = sync.NewCond(&p.mu)
	p.wait.Go(p.accept)
	return p, nil
}

// Close stops the proxy and closes all connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Become(ended)
	p.Cut()
	p.wait.Wait()
}

// Addr returns the proxy's address, through which clients reach the server.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Opened returns the number of connections to the server opened so far.
func (p *Proxy) Opened() int64 { return p.opened.Load() }

// Delay sets how long each chunk of data is delayed, in both directions.
func (p *Proxy) Delay(by time.Duration) { p.delay.Store(int64(by)) }

// Become changes the state of the proxy.
func (p *Proxy) Become(next State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = next
	p.changed.Broadcast()
}

// Cut closes all existing connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.server)
		if err != nil || !p.keep(client, server) {
			_ = client.Close()
			continue
		}
		p.opened.Add(1)
		up, down := p.relays()
		p.wait.Go(func() { p.pass(up, server, client) })
		p.wait.Go(func() { p.pass(down, client, server) })
	}
}

// keep records the connections to a client and to the server, unless the proxy refuses connections.
func (p *Proxy) keep(client, server net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state >= Refuses {
		_ = server.Close()
		return false
	}
	p.conns = append(p.conns, client, server)
	return true
}

func (p *Proxy) pass(relay Relay, to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	relay(gate{p, to}, from)
}

// gate is a writer that delays data, and blocks while the proxy hangs.
type gate struct {
	*Proxy
	to net.Conn
}

func (g gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	for g.state == Hangs {
		g.changed.Wait()
	}
	g.mu.Unlock()
	time.Sleep(time.Duration(g.delay.Load()))
	return g.to.Write(p)
}
