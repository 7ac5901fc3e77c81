package mongodb_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// fate is what becomes of an insert that passes the proxy.
type fate int

const (
	deliver     fate = iota
	cutBefore        // the connection breaks before the server gets anything
	cutWithin        // … when the server has got half of the command
	cutAfter         // … when the server has answered, before the client gets anything
	cutAnswer        // … when the client has got half of the answer
	stallBefore      // nothing reaches the server any more, and no connection breaks
	stallAfter       // … the client
	fates            // how many there are
)

func (f fate) String() string {
	return [...]string{"deliver", "cut before", "cut within", "cut after", "cut answer", "stall before", "stall after"}[f]
}

// proxy relays MongoDB's messages between clients and a server, and decides about each insert.
type proxy struct {
	server   string
	listener net.Listener
	decide   func(nth int) fate // of the nth insert, from 0

	mu      sync.Mutex
	conns   []net.Conn
	inserts [][]byte
	running sync.WaitGroup
}

// startProxy starts a proxy to the server, stopped when the test ends.
func startProxy(tb testing.TB, server string, decide func(nth int) fate) *proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{server: server, listener: listener, decide: decide}
	p.running.Go(p.accept)
	tb.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		for _, conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// sent returns the insert messages that came by.
func (p *proxy) sent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.inserts)
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		pair := &pair{proxy: p, client: client, server: server}
		p.running.Go(pair.up)
		p.running.Go(pair.down)
	}
}

// pair is a client's connection and the one to the server that belongs to it. They end together.
type pair struct {
	*proxy
	client, server net.Conn
	current        atomic.Int64 // the fate of what was last sent on
}

func (p *pair) cut() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// up relays what the client sends.
func (p *pair) up() {
	defer p.cut()
	for {
		message, err := readMessage(p.client)
		if err != nil {
			return
		}
		become := p.fateOf(message)
		switch become {
		case cutBefore:
			return
		case cutWithin:
			_, _ = p.server.Write(message[:len(message)/2])
			return
		case stallBefore:
			_, _ = io.Copy(io.Discard, p.client)
			return
		}
		p.current.Store(int64(become))
		if _, err := p.server.Write(message); err != nil {
			return
		}
	}
}

// down relays what the server answers.
func (p *pair) down() {
	defer p.cut()
	for {
		message, err := readMessage(p.server)
		if err != nil {
			return
		}
		switch fate(p.current.Load()) {
		case cutAfter:
			return
		case cutAnswer:
			_, _ = p.client.Write(message[:len(message)/2])
			return
		case stallAfter:
			_, _ = io.Copy(io.Discard, p.server)
			return
		}
		if _, err := p.client.Write(message); err != nil {
			return
		}
	}
}

// fateOf decides about a message that holds an insert, and delivers every other.
func (p *proxy) fateOf(message []byte) fate {
	if !bytes.Contains(message, []byte("\x02insert\x00")) { // BSON: a string named insert
		return deliver
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inserts = append(p.inserts, message)
	return p.decide(len(p.inserts) - 1)
}

// readMessage reads one message of the wire protocol, which begins with its length.
func readMessage(from io.Reader) ([]byte, error) {
	message := make([]byte, 4, 1024)
	if _, err := io.ReadFull(from, message); err != nil {
		return nil, err
	}
	length := int(binary.LittleEndian.Uint32(message))
	if length < len(message) || length > 48<<20 {
		return nil, io.ErrUnexpectedEOF
	}
	message = slices.Grow(message, length-len(message))[:length]
	_, err := io.ReadFull(from, message[4:])
	return message, err
}
