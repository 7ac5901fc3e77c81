// Package tcpproxy is the network between a client and its server, for tests in which it breaks or hangs.
package tcpproxy

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// State is what a proxy does with bytes and connections that come.
type State int

const (
	// Passes is the state at the start: everything gets to its end.
	Passes State = iota
	// Hangs takes connections and bytes, and passes nothing on, as a server whose process is stopped does.
	Hangs
	// Refuses ends new connections at once. Those that are there go on, until Cut.
	Refuses

	ended // the test is over
)

// Relay passes on what comes in one direction of a connection. When it returns, both directions end.
type Relay func(to io.Writer, from io.Reader)

// Relays returns those of a new connection: up for what the client sends, down for what the server answers.
type Relays func() (up, down Relay)

// All is Relays that pass everything on.
func All() (up, down Relay) {
	all := func(to io.Writer, from io.Reader) { _, _ = io.Copy(to, from) }
	return all, all
}

// Proxy passes connections on to a server. It may be used concurrently.
type Proxy struct {
	listener net.Listener
	server   string
	relays   Relays

	mu      sync.Mutex
	changed *sync.Cond // the state is another
	state   State
	conns   []net.Conn
	wait    sync.WaitGroup
}

// Start starts a proxy to the server at that address. It ends with the test.
func Start(tb testing.TB, server string, relays Relays) *Proxy {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: listener, server: server, relays: relays}
	p.changed = sync.NewCond(&p.mu)
	p.wait.Go(p.accept)
	tb.Cleanup(func() {
		_ = listener.Close()
		p.Become(ended)
		p.Cut()
		p.wait.Wait()
	})
	return p
}

// Addr is where clients reach the server through the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Become changes what is done from now on.
func (p *Proxy) Become(next State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = next
	p.changed.Broadcast()
}

// Cut ends every connection that is there.
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
		up, down := p.relays()
		p.wait.Go(func() { p.pass(up, server, client) })
		p.wait.Go(func() { p.pass(down, client, server) })
	}
}

// keep notes a client's connection and the one to the server that belongs to it, unless there are to be none.
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

// gate is the end of a connection that bytes get to when the proxy lets them.
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
	return g.to.Write(p)
}
