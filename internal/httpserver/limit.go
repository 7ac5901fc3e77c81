package httpserver

import (
	"net"
	"sync"
)

// limitListener accepts a connection only while fewer than its slots are open; the next one waits in the kernel's
// queue. It is golang.org/x/net/netutil's LimitListener but for the type of its connections: net/http looks for
// CloseWrite on them, to let a client read the answer that closes its connection, such as a 431.
type limitListener struct {
	*net.TCPListener
	slots  chan struct{}
	closed chan struct{}
	close  func() error
}

func newLimitListener(listener *net.TCPListener, most int) *limitListener {
	l := &limitListener{TCPListener: listener, slots: make(chan struct{}, most), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return listener.Close()
	})
	return l
}

// Accept waits for a slot and a connection.
func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.AcceptTCP()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{conn, sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close stops accepting, also for an Accept that waits for a slot.
func (l *limitListener) Close() error { return l.close() }

// limitedConn gives its slot back when it is closed.
type limitedConn struct {
	*net.TCPConn
	release func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.TCPConn.Close()
}
