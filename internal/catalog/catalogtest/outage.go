package catalogtest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/internal/catalog"
	"superheroes/test/tcpproxy"
)

// testOutage changes a table while the picker can't reach the server. Picks may fail, but none may return a row that
// has been outdated for too long, or use cached rows that can no longer be verified.
func (e Engine[T]) testOutage(t *testing.T) {
	for _, c := range []struct {
		name    string
		outage  func(*tcpproxy.Proxy)
		lasting bool
	}{
		{"connections are cut repeatedly", func(p *tcpproxy.Proxy) {
			for range 30 {
				p.Cut()
				time.Sleep(50 * time.Millisecond)
			}
		}, false},
		{"the server is unreachable", func(p *tcpproxy.Proxy) {
			p.Become(tcpproxy.Refuses)
			p.Cut()
		}, true},
		{"the server hangs", func(p *tcpproxy.Proxy) { p.Become(tcpproxy.Hangs) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e.pickDuring(t, c.outage, c.lasting)
		})
	}
}

// pickDuring picks during an outage. A lasting outage begins before the first pick; any other outage occurs while picks
// are being made.
func (e Engine[T]) pickDuring(t *testing.T, outageOf func(*tcpproxy.Proxy), lasting bool) {
	t.Helper()
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	proxy := tcpproxy.Start(t, f.db.Server, tcpproxy.All)
	f.db.Open = func(ctx context.Context, seed Seed[T]) (catalog.Store[T], error) {
		return f.db.OpenAt(ctx, proxy.Addr(), seed)
	}
	f.store = f.open(noRoster)
	f.put(f.numbered(1, 51)...)
	var outages []*outage[T]
	for _, p := range profiles() {
		o := &outage[T]{TB: t, picker: f.picker(p), profile: p}
		o.pick()
		outages = append(outages, o)
	}
	table := e.Kind.Table.Name
	f.exec(f.db.SQL, f.insertion(f.item(101, "new")),
		"UPDATE "+table+" SET name = 'changed' WHERE id = 51", "DELETE FROM "+table+" WHERE id = 1")
	changed, away := time.Now(), time.Time{}
	if lasting {
		outageOf(proxy)
		away = time.Now()
	}
	var group sync.WaitGroup
	for _, o := range outages {
		o.changed, o.away = changed, away
		for range 3 {
			group.Go(func() { o.pickFor(2 * freshness) })
		}
	}
	if !lasting {
		outageOf(proxy)
	}
	group.Wait()
	proxy.Become(tcpproxy.Passes)
	for _, o := range outages {
		o.away = time.Time{}
		o.recovers()
	}
}

// outage is a picker whose table has changed and whose store fails.
type outage[T catalog.Item] struct {
	testing.TB
	picker  *catalog.Service[T]
	profile profile
	changed time.Time // zero before the change
	away    time.Time // start of the outage, zero if the store is reachable
}

// pick picks an item and returns its label, or "" if the pick fails. A stale item fails the test.
func (o *outage[T]) pick() (label string) {
	ctx, cancel := context.WithTimeout(o.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	item, err := o.picker.Random(ctx)
	if err != nil {
		return ""
	}
	old := strings.HasPrefix(item.Label(), "item ")
	if since := begin.Sub(o.changed); old && !o.changed.IsZero() && since >= o.profile.stale {
		o.Errorf("%s: picked %q %s after it was changed", o.profile.name, item.Label(), since)
	}
	if since := begin.Sub(o.away); !o.away.IsZero() && since >= freshness {
		o.Errorf("%s: picked %q from a store that has been unreachable for %s", o.profile.name, item.Label(), since)
	}
	return item.Label()
}

func (o *outage[T]) pickFor(long time.Duration) {
	for begin := time.Now(); time.Since(begin) < long; time.Sleep(5 * time.Millisecond) {
		o.pick()
	}
}

// recovers checks that, after the outage, picks return the current rows again.
func (o *outage[T]) recovers() {
	seen := map[string]bool{}
	for deadline := time.Now().Add(30 * time.Second); !seen["new"] || !seen["changed"]; seen[o.pick()] = true {
		if time.Now().After(deadline) {
			o.Fatalf("after the outage, only %v were picked", seen)
		}
	}
	if seen["item 1"] {
		o.Error("a deleted row was picked")
	}
}
