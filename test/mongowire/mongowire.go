// Package mongowire is a proxy for a MongoDB server, for testing what the available server can't do: it answers
// chosen commands itself, or speaks TLS. It knows the wire protocol only.
package mongowire

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"superheroes/test/tcpproxy"
)

// Answer returns the response to a command, or nil to forward it. A command answered here never reaches the server.
type Answer func(command bson.Raw) bson.D

// Refusal returns a server's response to a command that fails as a whole.
func Refusal(code int32, name, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: message}, {Key: "code", Value: code}, {Key: "codeName", Value: name}}
}

// Refuse returns an Answer that refuses the named commands.
func Refuse(refusal bson.D, names ...string) Answer {
	return func(command bson.Raw) bson.D {
		if slices.Contains(names, command.Index(0).Key()) {
			return refusal
		}
		return nil
	}
}

// Proxy forwards what clients send to a server, except for commands that it answers itself.
type Proxy struct {
	*tcpproxy.Proxy
	answer atomic.Pointer[Answer]
}

// Start starts a proxy for the server, which initially forwards everything. It ends with the test.
func Start(tb testing.TB, server string) *Proxy {
	tb.Helper()
	p := &Proxy{}
	p.Proxy = tcpproxy.Start(tb, server, p.relays)
	return p
}

// Answer sets the function that answers commands from now on; nil forwards everything.
func (p *Proxy) Answer(answer Answer) {
	if answer == nil {
		answer = func(bson.Raw) bson.D { return nil }
	}
	p.answer.Store(&answer)
}

func (p *Proxy) relays() (up, down tcpproxy.Relay) {
	c := &connection{proxy: p}
	return c.up, c.down
}

type connection struct {
	proxy   *Proxy
	answers sync.Map // by request id: bson.D
}

// up forwards the client's messages. A command answered here is replaced by a ping, whose response tells down when to
// send the answer.
func (c *connection) up(server io.Writer, client io.Reader) {
	for {
		message, err := ReadMessage(client)
		if err != nil {
			return
		}
		if answer := c.proxy.answer.Load(); answer != nil {
			if command := Command(message); command != nil {
				if reply := (*answer)(command); reply != nil {
					number := binary.LittleEndian.Uint32(message[4:])
					c.answers.Store(number, reply)
					message = newMessage(number, 0, bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "admin"}})
				}
			}
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

func (c *connection) down(client io.Writer, server io.Reader) {
	for {
		message, err := ReadMessage(server)
		if err != nil {
			return
		}
		number := binary.LittleEndian.Uint32(message[8:])
		if reply, ours := c.answers.LoadAndDelete(number); ours {
			message = newMessage(binary.LittleEndian.Uint32(message[4:]), number, reply.(bson.D))
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

const (
	opMsg    = 2013
	headSize = 16 // length, request id, id of the answered request, opcode
)

// ReadMessage reads one message of the protocol, which starts with its length.
func ReadMessage(from io.Reader) ([]byte, error) {
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

// Command returns the command in a message, or nil if there is none.
func Command(message []byte) bson.Raw {
	const at = headSize + 4 + 1 // after the flags and the kind of the first section
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
		panic(err) // a fault of the test
	}
	message := make([]byte, 0, headSize+5+len(body))
	for _, n := range []uint32{uint32(headSize + 5 + len(body)), number, answers, opMsg, 0} {
		message = binary.LittleEndian.AppendUint32(message, n)
	}
	return append(append(message, 0), body...)
}

// StartTLS starts a proxy that speaks TLS to its clients with the given certificate, and returns its address. It ends
// with the test.
func StartTLS(tb testing.TB, server string, certificate tls.Certificate) string {
	tb.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		tb.Fatal(err)
	}
	var group sync.WaitGroup
	tb.Cleanup(func() {
		_ = listener.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { join(context.WithoutCancel(tb.Context()), client, server) })
		}
	})
	return listener.Addr().String()
}

// join copies in both directions until one side closes.
func join(ctx context.Context, client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(conn, client)
		_ = conn.Close()
	}()
	_, _ = io.Copy(client, conn)
	_ = client.Close()
	<-done
}
