package httpserver

import (
	"container/heap"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"superheroes/internal/bounded"
)

// minIdle is how long a connection must have been idle before it may be closed for another one.
const minIdle = int64(time.Second)

// limit is a listener that limits the open connections. At the limit, a new connection replaces the one that has been
// idle longest among those of the host with the most connections. If none is idle, or only those of hosts with fewer
// connections than the new one's, the new one is refused. So nobody waits in the kernel's queue, and no host uses up
// the connections of others.
//
// A request costs one clock read and two atomic operations. The order in which a host's connections became idle is
// computed only when room is needed: the recorded time of a connection can only be too early, so it is enough to
// correct the earliest ones.
type limit struct {
	*net.TCPListener
	most    int // 0: no limit
	begun   time.Time
	refusal *refusal

	mu    sync.Mutex
	open  int
	hosts map[netip.Addr]*host
	list  []*host // the values of hosts
	busy  int64   // until then, no connection can have been idle for minIdle
}

// host is a source of connections: an IPv4 address, or an IPv6 network of 64 bits. It has at least one connection.
type host struct {
	address     netip.Addr
	connections byIdleness
	index       int // in limit.list
}

func newLimit(listener *net.TCPListener, most int, refusal *refusal) *limit {
	return &limit{TCPListener: listener, most: most, begun: time.Now(), refusal: refusal, hosts: map[netip.Addr]*host{}}
}

// now returns a time above 0, at half the cost of time.Now.
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
		l.refusal.send(conn)
	}
}

// Close stops accepting.
func (l *limit) Close() error {
	err := l.TCPListener.Close()
	l.refusal.close()
	return err
}

// state is the server's http.Server.ConnState.
func (l *limit) state(conn net.Conn, state http.ConnState) {
	if c, ok := conn.(*connection); ok {
		c.state(state)
	}
}

// admit registers a new connection, or returns nil if there is no room and none can be made.
func (l *limit) admit(conn *net.TCPConn) *connection {
	c := &connection{TCPConn: conn, limit: l, known: l.now()}
	c.idle.Store(c.known)
	out, ok := l.add(c, bounded.Client(fmt.Sprint(conn.RemoteAddr())))
	if out != nil {
		_ = out.TCPConn.Close()
	}
	if !ok {
		return nil
	}
	return c
}

// add registers a connection. If there is no room it evicts another one and returns it as out, to be closed; ok is
// false if none can be evicted.
func (l *limit) add(c *connection, address netip.Addr) (out *connection, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.open >= l.most {
		has := 0
		if known := l.hosts[address]; known != nil {
			has = len(known.connections)
		}
		if out = l.makeRoom(has, c.known); out == nil {
			return nil, false
		}
		l.remove(out)
	}
	from := l.hosts[address]
	if from == nil {
		from = &host{address: address, index: len(l.list)}
		l.hosts[address], l.list = from, append(l.list, from)
	}
	c.from = from
	heap.Push(&from.connections, c)
	l.open++
	return out, true
}

// release removes a closed connection.
func (l *limit) release(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.from != nil {
		l.remove(c)
	}
}

// remove removes a connection. The caller holds the mutex.
func (l *limit) remove(c *connection) {
	from := c.from
	heap.Remove(&from.connections, c.index)
	c.from = nil
	l.open--
	if len(from.connections) > 0 {
		return
	}
	delete(l.hosts, from.address)
	last := l.list[len(l.list)-1]
	l.list[from.index], last.index = last, from.index
	l.list[len(l.list)-1] = nil
	l.list = l.list[:len(l.list)-1]
}

// makeRoom evicts a connection for a new one whose host already has the given number, and returns it; nil if there is
// none. The caller holds the mutex.
func (l *limit) makeRoom(has int, now int64) *connection {
	for now >= l.busy {
		c := l.longestIdle(has, now)
		if c == nil {
			return nil
		}
		if c.evict(c.known) {
			return c
		}
		c.from.connections.update(c, now) // a request has begun to arrive
	}
	return nil
}

// longestIdle returns the longest idle connection of the host with the most connections, among the hosts that have an
// idle one and at least the given number; nil if there is none. The caller holds the mutex.
func (l *limit) longestIdle(has int, now int64) *connection {
	var found *connection
	earliest := int64(math.MaxInt64)
	for _, from := range l.list {
		n := len(from.connections)
		if n >= has && (found == nil || n >= len(found.from.connections)) {
			c := from.connections.longestIdle(now)
			if c != nil && (found == nil || n > len(found.from.connections) || c.known < found.known) {
				found = c
			}
		}
		earliest = min(earliest, from.connections[0].known)
	}
	if found == nil {
		l.busy = earliest + minIdle
	}
	return found
}

// byIdleness is a heap of connections, ordered by known.
type byIdleness []*connection

func (b byIdleness) Len() int           { return len(b) }
func (b byIdleness) Less(i, j int) bool { return b[i].known < b[j].known }
func (b byIdleness) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].index, b[j].index = i, j
}

// Push implements heap.Interface.
func (b *byIdleness) Push(c any) {
	added := c.(*connection)
	added.index = len(*b)
	*b = append(*b, added)
}

// Pop implements heap.Interface.
func (b *byIdleness) Pop() any {
	last := len(*b) - 1
	c := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return c
}

// update raises the lower bound of a connection's idle time.
func (b *byIdleness) update(c *connection, known int64) {
	c.known = known
	heap.Fix(b, c.index)
}

// longestIdle returns the connection that has been idle longest, or nil if none has been idle for minIdle.
func (b *byIdleness) longestIdle(now int64) *connection {
	for {
		c := (*b)[0]
		if c.known > now-minIdle {
			return nil
		}
		since := c.idleSince(now)
		if since == c.known {
			return c
		}
		b.update(c, since)
	}
}
