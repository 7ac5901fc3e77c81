package httpserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"superheroes/internal/bounded"
	"superheroes/internal/rawio"
	"superheroes/internal/telemetry"
)

// minIdle is how long a connection must have been idle before it may be closed to make room for another.
const minIdle = int64(time.Second)

// limit is a listener that limits the number of open connections. At the limit, a new connection replaces the
// longest-idle connection of the host with the most connections. The new connection is refused if no connection is
// idle, or if every host with idle connections has fewer connections than the host of the new one. As a result, no
// client waits in the kernel's queue, and no host can crowd out the others.
//
// The limit costs each request one clock read and two atomic operations. Connections are compared only when one must be
// evicted.
type limit struct {
	*net.TCPListener
	most    int // 0: no limit
	begun   time.Time
	refusal *refusal
	refused telemetry.Counter
	evicted telemetry.Counter

	mu    sync.Mutex
	open  []*connection
	hosts map[netip.Addr]*host
	busy  int64 // until this time, no connection can have been idle for minIdle
}

// host is a source of connections: an IPv4 address, or an IPv6 /64 network.
type host struct {
	address     netip.Addr
	connections int // at least one
}

func newLimit(listener *net.TCPListener, most int, refusal *refusal) *limit {
	return &limit{TCPListener: listener, most: most, begun: time.Now(), refusal: refusal, hosts: map[netip.Addr]*host{}}
}

// now returns a positive time, at half the cost of time.Now.
func (l *limit) now() int64 { return int64(time.Since(l.begun)) + 1 }

// Accept returns the next admitted connection.
func (l *limit) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		if c := l.admit(conn); c != nil {
			return c, nil
		}
		l.refused.Add(1)
		l.refusal.send(conn)
	}
}

// Close stops accepting.
func (l *limit) Close() error {
	err := l.TCPListener.Close()
	l.refusal.close()
	return err
}

// state implements the ConnState hook of http.Server.
func (l *limit) state(conn net.Conn, state http.ConnState) {
	if c, ok := conn.(*connection); ok {
		c.state(state)
	}
}

// admit registers a new connection, or returns nil if there is no room and no other connection can be evicted.
func (l *limit) admit(conn *net.TCPConn) *connection {
	c := &connection{TCPConn: conn, raw: rawio.New(conn), limit: l}
	now := l.now()
	c.idle.Store(now)
	out, ok := l.add(c, bounded.Client(fmt.Sprint(conn.RemoteAddr())), now)
	if out != nil {
		l.evicted.Add(1)
		_ = out.TCPConn.Close()
	}
	if !ok {
		return nil
	}
	return c
}

// add registers a connection. If there is no room, add evicts another connection and returns it as out, for the caller
// to close; ok is false if none can be evicted.
func (l *limit) add(c *connection, address netip.Addr, now int64) (out *connection, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && len(l.open) >= l.most {
		has := 0
		if known := l.hosts[address]; known != nil {
			has = known.connections
		}
		if out = l.makeRoom(has, now); out == nil {
			return nil, false
		}
		l.remove(out)
	}
	c.from = l.hosts[address]
	if c.from == nil {
		c.from = &host{address: address}
		l.hosts[address] = c.from
	}
	c.from.connections++
	c.index = len(l.open)
	l.open = append(l.open, c)
	return out, true
}

// connections returns the number of open connections.
func (l *limit) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// release removes a closed connection, unless it was already evicted.
func (l *limit) release(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.from != nil {
		l.remove(c)
	}
}

// remove removes a connection. The caller must hold the mutex.
func (l *limit) remove(c *connection) {
	last := len(l.open) - 1
	l.open[c.index] = l.open[last]
	l.open[c.index].index = c.index
	l.open[last] = nil
	l.open = l.open[:last]
	if c.from.connections--; c.from.connections == 0 {
		delete(l.hosts, c.from.address)
	}
	c.from = nil
}

// makeRoom evicts and returns a connection, to make room for a new one whose host already has the given number of
// connections. It returns nil if no connection can be evicted. The caller must hold the mutex.
func (l *limit) makeRoom(has int, now int64) *connection {
	for now >= l.busy {
		c, since := l.longestIdle(has, now)
		if c == nil || c.evict(since) {
			return c
		}
		c.used = now // a request has begun to arrive
	}
	return nil
}

// longestIdle returns the connection to evict and the time at which it became idle. Among the hosts that have an idle
// connection and at least the given number of connections, it selects the one with the most connections, and then its
// longest-idle connection. It returns nil if there is no such connection. The caller must hold the mutex.
func (l *limit) longestIdle(has int, now int64) (found *connection, since int64) {
	earliest := now
	for _, c := range l.open {
		idle := c.idle.Load()
		if idle <= 0 {
			continue
		}
		earliest = min(earliest, max(idle, c.used))
		n := c.from.connections
		if max(idle, c.used) > now-minIdle || n < has {
			continue
		}
		if found == nil || n > found.from.connections || n == found.from.connections && idle < since {
			found, since = c, idle
		}
	}
	if found == nil {
		l.busy = earliest + minIdle
	}
	return found, since
}
