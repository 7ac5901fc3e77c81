package mongodb

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/test/engines"
	"superheroes/test/tcpproxy"
)

// Clients that leave cost no connections, however slow the server: their reads run to completion. (If a deadline
// passes, the driver takes care of that itself.)
func TestAbandonedReadsCostNoConnections(t *testing.T) {
	const rounds, each = 5, 5
	address := engines.MongoDB(t)
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var opened atomic.Int32
	proxy := tcpproxy.Start(t, parsed.Host, func() (up, down tcpproxy.Relay) {
		opened.Add(1)
		return tcpproxy.All()
	})
	parsed.Host = proxy.Addr()
	store := openAs(t, parsed.String(), false)
	f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
	if err := store.Insert(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func(context.Context) error{
		"Get":   func(ctx context.Context) error { _, err := store.Get(ctx, f.ID); return err },
		"Page":  func(ctx context.Context) error { _, err := store.Page(ctx, fight.MaxID(), 5); return err },
		"Count": func(ctx context.Context) error { _, err := store.Count(ctx); return err },
	}
	before := opened.Load()
	for name, read := range reads {
		for range rounds {
			proxy.Become(tcpproxy.Hangs)
			for range each {
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Millisecond, leave)
				if err := read(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", name, err)
				}
			}
			proxy.Become(tcpproxy.Passes)
			if err := read(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// As many as there are concurrent reads, and one or two that the driver uses to monitor the server.
	if n := opened.Load() - before; n > 2*each {
		t.Errorf("%d connections were opened for %d abandoned reads", n, rounds*each*len(reads))
	}
	t.Logf("%d connections", opened.Load()-before)
}
