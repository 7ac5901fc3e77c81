// Package mongowire provides a proxy in front of a MongoDB server, for tests of conditions that the available server
// can't produce. The proxy can respond to selected commands itself, break connections at selected commands, and accept
// TLS. The package depends only on the wire protocol.
package mongowire

import (
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"superheroes/test/tcpproxy"
)

// Answer is a function that returns the proxy's response to a command, or nil to forward the command to the server.
type Answer func(command bson.Raw) bson.D

// Refusal returns a MongoDB server's response to a failed command.
func Refusal(code int32, name, message string) bson.D {
	return bson.D{
		{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: message}, {Key: "code", Value: code}, {Key: "codeName", Value: name},
	}
}

// Refuse returns an Answer that responds to the named commands with refusal.
func Refuse(refusal bson.D, names ...string) Answer {
	return func(command bson.Raw) bson.D {
		if slices.Contains(names, command.Index(0).Key()) {
			return refusal
		}
		return nil
	}
}

// Fate determines how the proxy forwards a command.
type Fate int32

// The ways in which the proxy can treat a command.
const (
	Delivered   Fate = iota
	CutBefore        // the connection breaks before the server receives anything
	CutWithin        // the connection breaks after the server has received half of the command
	CutAfter         // the connection breaks after the server has responded, before the client receives anything
	CutAnswer        // the connection breaks after the client has received half of the response
	StallBefore      // the server receives nothing more, but the connection stays open
	StallAfter       // the client receives nothing more, but the connection stays open
	Fates            // the number of Fate values
)

// Proxy forwards commands from clients to a server, except for commands that it responds to itself or cuts off.
type Proxy struct {
	*tcpproxy.Proxy
	Stalled chan struct{} // receives a value when a connection stalls; need not be read
	answer  atomic.Pointer[Answer]
	decide  atomic.Pointer[func(command bson.Raw) Fate]
}

// Start starts a proxy for the server, and stops it when the test ends. Initially the proxy forwards everything.
func Start(tb testing.TB, server string) *Proxy {
	tb.Helper()
	p := &Proxy{Stalled: make(chan struct{}, 1)}
	p.Answer(nil)
	p.Decide(func(bson.Raw) Fate { return Delivered })
	p.Proxy = tcpproxy.Start(tb, server, func() (up, down tcpproxy.Relay) {
		c := &connection{proxy: p}
		return c.up, c.down
	})
	return p
}

// Answer sets the function that responds to later commands; nil forwards all commands.
func (p *Proxy) Answer(answer Answer) {
	if answer == nil {
		answer = func(bson.Raw) bson.D { return nil }
	}
	p.answer.Store(&answer)
}

// Decide sets the function that determines how the proxy treats each later command. The function may be called
// concurrently.
func (p *Proxy) Decide(decide func(command bson.Raw) Fate) { p.decide.Store(&decide) }

// stall reads and discards all data.
func (p *Proxy) stall(from io.Reader) {
	select {
	case p.Stalled <- struct{}{}:
	default:
	}
	_, _ = io.Copy(io.Discard, from)
}

type connection struct {
	proxy   *Proxy
	fate    atomic.Int32 // fate of the last command forwarded
	answers sync.Map     // responses of type bson.D, keyed by request id
}

// up forwards the client's messages. If the proxy responds to a command itself, up replaces the command with a ping,
// and down replaces the ping's response.
func (c *connection) up(server io.Writer, client io.Reader) {
	for {
		message, err := readMessage(client)
		if err != nil {
			return
		}
		fate := Delivered
		if command := commandOf(message); command != nil {
			fate = (*c.proxy.decide.Load())(command)
			if reply := (*c.proxy.answer.Load())(command); reply != nil && fate != CutBefore {
				number := binary.LittleEndian.Uint32(message[4:])
				c.answers.Store(number, reply)
				message = newMessage(number, 0, bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "admin"}})
			}
		}
		c.fate.Store(int32(fate))
		switch fate {
		case CutBefore:
			return
		case CutWithin:
			_, _ = server.Write(message[:len(message)/2])
			return
		case StallBefore:
			c.proxy.stall(client)
			return
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// down forwards the server's responses.
func (c *connection) down(client io.Writer, server io.Reader) {
	for {
		message, err := readMessage(server)
		if err != nil {
			return
		}
		number := binary.LittleEndian.Uint32(message[8:])
		if reply, ours := c.answers.LoadAndDelete(number); ours {
			message = newMessage(binary.LittleEndian.Uint32(message[4:]), number, reply.(bson.D))
		}
		switch Fate(c.fate.Load()) {
		case CutAfter:
			return
		case CutAnswer:
			_, _ = client.Write(message[:len(message)/2])
			return
		case StallAfter:
			c.proxy.stall(server)
			return
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

const (
	opMsg    = 2013
	headSize = 16 // message length, request id, id of the request that is answered, opcode
)

// readMessage reads one protocol message, which begins with its length.
func readMessage(from io.Reader) ([]byte, error) {
	message := make([]byte, 4, 1024)
	if _, err := io.ReadFull(from, message); err != nil {
		return nil, err
	}
	length := int(binary.LittleEndian.Uint32(message))
	if length < headSize || length > 48<<20 {
		return nil, io.ErrUnexpectedEOF
	}
	message = slices.Grow(message, length-len(message))[:length]
	_, err := io.ReadFull(from, message[4:])
	return message, err
}

// commandOf returns the command in a message, or nil if the message contains no command.
func commandOf(message []byte) bson.Raw {
	const at = headSize + 4 + 1 // skips the flags and the kind of the first section
	if len(message) < at+4 || binary.LittleEndian.Uint32(message[12:]) != opMsg || message[at-1] != 0 {
		return nil
	}
	size := int(binary.LittleEndian.Uint32(message[at:]))
	if size < 5 || at+size > len(message) {
		return nil
	}
	return bson.Raw(message[at : at+size])
}

func newMessage(number, answers uint32, document bson.D) []byte {
	body, err := bson.Marshal(document)
	if err != nil {
		panic(err) // a bug in the test
	}
	message := make([]byte, 0, headSize+5+len(body))
	for _, n := range []uint32{uint32(headSize + 5 + len(body)), number, answers, opMsg, 0} {
		message = binary.LittleEndian.AppendUint32(message, n)
	}
	return append(append(message, 0), body...)
}
