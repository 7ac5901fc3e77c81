package postgres_test

import (
	"io"
	"sync/atomic"
	"testing"

	"superheroes/test/tcpproxy"
)

// counter counts the connections opened through a proxy.
type counter struct{ atomic.Int64 }

func (c *counter) relays() (up, down tcpproxy.Relay) {
	c.Add(1)
	return tcpproxy.All()
}

// through returns a URL of the same server through a proxy.
func through(t *testing.T, at string, opens *counter) string {
	t.Helper()
	location := mustParse(t, at)
	location.Host = tcpproxy.Start(t, location.Host, opens.relays).Addr()
	return location.String()
}

// silent swallows everything after the first statement on each connection.
type silent struct{ atomic.Bool }

func (s *silent) relays() (up, down tcpproxy.Relay) {
	_, all := tcpproxy.All()
	if !s.Load() {
		return all, all
	}
	const query = 'Q'
	return func(to io.Writer, from io.Reader) {
		message := make([]byte, 4096)
		for {
			n, err := from.Read(message)
			if n > 0 && message[0] == query {
				_, _ = io.Copy(io.Discard, from)
			}
			if _, failed := to.Write(message[:n]); err != nil || failed != nil {
				return
			}
		}
	}, all
}
