package postgres_test

import (
	"sync/atomic"
	"testing"

	"superheroes/test/tcpproxy"
)

// counter counts the connections that are opened through a proxy.
type counter struct{ atomic.Int64 }

func (c *counter) relays() (up, down tcpproxy.Relay) {
	c.Add(1)
	return tcpproxy.All()
}

// through returns a URL that leads to the same server through a proxy.
func through(t *testing.T, at string, opens *counter) string {
	t.Helper()
	location := mustParse(t, at)
	location.Host = tcpproxy.Start(t, location.Host, opens.relays).Addr()
	return location.String()
}
