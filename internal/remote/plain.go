package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"superheroes/internal/rawio"
)

const (
	// idleTime is how long an idle connection is kept open. It is shorter than a peer's own idle timeout of 60 s.
	idleTime = 50 * time.Second
	// maxHeader is the maximum size of a response header, in bytes.
	maxHeader = 64 << 10
)

// plain is an http.RoundTripper for an http:// peer. Requests must have no body, and each response must be read to the
// end by a single goroutine. Like net/http's own transport, it uses net/http to write requests and parse responses. But
// net/http's transport has two goroutines per connection, one to write and one to read. With plain, the caller itself
// writes and reads, which saves a tenth of the CPU time per call, including the peer's (BenchmarkClient). It is safe
// for concurrent use.
//
// The whole response must arrive within Config.Read. If an idle connection is closed before any part of the response
// arrives, the request is repeated on a new connection, with the same time limit. Repeating it is safe, because it only
// requests picks.
type plain struct {
	cfg     Config
	address string
	dialer  net.Dialer

	mu    sync.Mutex
	idle  []*link     // least recently used first
	timer *time.Timer // closes idle connections; nil if there are none
}

// link is a connection to the peer.
type link struct {
	*rawio.Conn
	stop   func()           // the interrupt method, stored to avoid an allocation per call
	header io.LimitedReader // the connection, limited to maxHeader bytes while the header is read
	in     *bufio.Reader
	out    *bufio.Writer
	unused time.Time // idle since
}

func newPlain(address string, cfg Config) *plain {
	return &plain{cfg: cfg, address: address, dialer: net.Dialer{Timeout: cfg.Connect}}
}

// RoundTrip implements http.RoundTripper. It uses an idle connection if there is one, or else opens a new one.
func (p *plain) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if l := p.takeOpen(); l != nil {
		response, err := p.exchange(ctx, l, request)
		if !errors.Is(err, errNoResponse) {
			return response, err
		}
	}
	l, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	return p.exchange(ctx, l, request)
}

// errNoResponse means that a connection was closed before any part of the response arrived.
var errNoResponse = errors.New("no response")

// exchange sends the request and reads the header of the response. On failure, exchange closes the connection.
func (p *plain) exchange(ctx context.Context, l *link, request *http.Request) (response *http.Response, err error) {
	now := time.Now()
	if err := errors.Join(l.SetWriteDeadline(now.Add(p.cfg.Write)), l.SetReadDeadline(now.Add(p.cfg.Read))); err != nil {
		_ = l.Close()
		return nil, err
	}
	unhook := context.AfterFunc(ctx, l.stop)
	defer func() {
		if response == nil { // error or panic
			unhook()
			_ = l.Close()
		}
	}()
	if response, err = l.converse(request); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	body := &body{ReadCloser: response.Body, plain: p, link: l, unhook: unhook, keep: !response.Close}
	if response.Body == http.NoBody {
		body.end(true)
	} else {
		response.Body = body
	}
	return response, nil
}

// send sends the request and waits for the first byte of the response.
func (l *link) send(request *http.Request) error {
	if err := request.Write(l.out); err != nil {
		return err
	}
	if err := l.out.Flush(); err != nil {
		return err
	}
	l.header.N = maxHeader
	_, err := l.in.Peek(1)
	return err
}

// converse sends the request and reads the header of the response.
func (l *link) converse(request *http.Request) (*http.Response, error) {
	switch err := l.send(request); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errNoResponse, err)
	}
	for {
		response, err := http.ReadResponse(l.in, request)
		switch {
		case err != nil && l.header.N <= 0:
			return nil, fmt.Errorf("the response header is longer than %d bytes", maxHeader)
		case err != nil:
			return nil, err
		case response.StatusCode >= http.StatusOK: // skip informational responses
			l.header.N = math.MaxInt64
			return response, nil
		}
	}
}

// interrupt aborts current and future reads and writes.
func (l *link) interrupt() { _ = l.SetDeadline(time.Unix(1, 0)) }

// takeOpen returns an idle connection that is still open, or nil.
func (p *plain) takeOpen() *link {
	for l := p.popIdle(); l != nil; l = p.popIdle() {
		if l.StillOpen() {
			return l
		}
		_ = l.Close()
	}
	return nil
}

func (p *plain) dial(ctx context.Context) (*link, error) {
	conn, err := p.dialer.DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: rawio.New(conn)}
	l.out = bufio.NewWriterSize(l.Conn, 1<<10)
	l.stop, l.header.R = l.interrupt, l.Conn
	l.in = bufio.NewReader(&l.header)
	return l, nil
}

func (p *plain) popIdle() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	l := p.idle[last]
	p.idle = p.idle[:last]
	return l
}

// release ends an exchange: it keeps the connection for the next exchange or closes it.
func (p *plain) release(l *link, keep bool) {
	if !keep || !p.keep(l) {
		_ = l.Close()
	}
}

func (p *plain) keep(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= p.cfg.IdleConnections {
		return false
	}
	l.unused = time.Now()
	p.idle = append(p.idle, l)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTime, p.closeUnused)
	}
	return true
}

// closeUnused closes the connections that have been idle for idleTime.
func (p *plain) closeUnused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	p.closeIdle(time.Now().Add(-idleTime))
	if len(p.idle) > 0 {
		p.timer = time.AfterFunc(time.Until(p.idle[0].unused.Add(idleTime)), p.closeUnused)
	}
}

// closeIdle closes the connections that have been idle since the given time or longer. The caller holds the mutex.
func (p *plain) closeIdle(until time.Time) {
	fresh := slices.IndexFunc(p.idle, func(l *link) bool { return l.unused.After(until) })
	if fresh < 0 {
		fresh = len(p.idle)
	}
	for _, l := range p.idle[:fresh] {
		_ = l.Close()
	}
	p.idle = slices.Delete(p.idle, 0, fresh)
}

// CloseIdleConnections closes the idle connections. http.Client looks for a method of this name.
func (p *plain) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.closeIdle(time.Now())
}

// body is a response body. Once it has been read to the end, its connection can be reused; closing the body earlier
// closes the connection.
type body struct {
	io.ReadCloser
	plain  *plain
	link   *link
	unhook func() bool
	keep   bool
	ended  bool
}

// Read implements io.Reader.
func (b *body) Read(into []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(into)
	if err != nil {
		b.end(err == io.EOF)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.end(false)
	return nil
}

func (b *body) end(whole bool) {
	if b.ended {
		return
	}
	b.ended = true
	undisturbed := b.unhook() // if false, interrupt has set or will set a deadline in the past
	b.plain.release(b.link, whole && undisturbed && b.keep && b.link.in.Buffered() == 0)
}
