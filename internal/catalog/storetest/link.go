package storetest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// link is the network between a store and its server. It can break, or hang.
type link struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	state state
	moved *sync.Cond // the state has changed
	conns []net.Conn
	wait  sync.WaitGroup
}

// newLink starts a link to the server at that address. It ends with the test.
func newLink(tb testing.TB, server string) *link {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	l := &link{listener: listener, server: server}
	l.moved = sync.NewCond(&l.mu)
	l.wait.Go(l.accept)
	tb.Cleanup(func() {
		_ = listener.Close()
		l.become(ended)
		l.cut()
		l.wait.Wait()
	})
	return l
}

func (l *link) addr() string { return l.listener.Addr().String() }

// become changes what is done with bytes and connections that come from now on.
func (l *link) become(next state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = next
	l.moved.Broadcast()
}

// cut ends every connection.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

func (l *link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.server)
		if err != nil || !l.keep(client, server) {
			_ = client.Close()
			continue
		}
		l.wait.Go(func() { l.pass(server, client) })
		l.wait.Go(func() { l.pass(client, server) })
	}
}

// keep notes a pair of connections, unless the link is broken.
func (l *link) keep(client, server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state >= broken {
		_ = server.Close()
		return false
	}
	l.conns = append(l.conns, client, server)
	return true
}

func (l *link) pass(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	_, _ = io.Copy(gate{l, to}, from)
}

// gate is the end of a connection that bytes get to when the link lets them.
type gate struct {
	*link
	to net.Conn
}

func (g gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	for g.state == hangs {
		g.moved.Wait()
	}
	g.mu.Unlock()
	return g.to.Write(p)
}
