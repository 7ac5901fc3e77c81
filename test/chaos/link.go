package main

import (
	"io"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/tcpproxy"
)

// link is a network connection that can be broken.
type link struct {
	*tcpproxy.Proxy
	delay atomic.Int64 // before each chunk, in nanoseconds
}

func newLink(tb testing.TB, server string) *link {
	tb.Helper()
	l := &link{}
	l.Proxy = tcpproxy.Start(tb, server, func() (up, down tcpproxy.Relay) { return l.relay, l.relay })
	return l
}

func (l *link) relay(to io.Writer, from io.Reader) {
	part := make([]byte, 32<<10)
	for {
		n, err := from.Read(part)
		time.Sleep(time.Duration(l.delay.Load()))
		if n > 0 {
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
