package catalogtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/internal/catalog"
	"superheroes/test/tcpproxy"
)

// way is how a store reaches its rows. It can break or hang.
type way interface {
	Become(tcpproxy.State)
	Cut() // breaks the connections in use
}

// detached wraps a store in a file, which has no network: its calls are made to fail or hang.
type detached[T catalog.Item] struct {
	catalog.Store[T]

	mu    sync.Mutex
	state tcpproxy.State
	moved chan struct{} // closed when the state changes
	cuts  int           // number of calls that are to fail
}

func (s *detached[T]) Become(next tcpproxy.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = next
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *detached[T]) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cuts++
}

// pass blocks until a call may proceed, or returns why it can't.
func (s *detached[T]) pass(ctx context.Context) error {
	for {
		s.mu.Lock()
		now, moved, cut := s.state, s.moved, s.cuts > 0
		s.cuts = 0
		s.mu.Unlock()
		switch {
		case cut, now == tcpproxy.Refuses:
			return errAway
		case now != tcpproxy.Hangs:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *detached[T]) Get(ctx context.Context, id int64) (item T, err error) {
	if err := s.pass(ctx); err != nil {
		return item, err
	}
	return s.Store.Get(ctx, id)
}

func (s *detached[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	if err := s.pass(ctx); err != nil {
		return nil, err
	}
	return s.Store.GetMany(ctx, ids)
}

func (s *detached[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	if err := s.pass(ctx); err != nil {
		return nil, err
	}
	return s.Store.Page(ctx, after, limit)
}

func (s *detached[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	if err := s.pass(ctx); err != nil {
		return nil, "", err
	}
	return s.Store.IDs(ctx, known)
}

// breakable opens a store on a fresh database without any items, and returns the way to its rows: the network, or the
// store's own calls if there is none.
func (e Engine[T]) breakable(t *testing.T) (*fixture[T], way) {
	t.Helper()
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	if f.db.OpenAt == nil {
		store := &detached[T]{Store: f.open(noRoster), moved: make(chan struct{})}
		f.store = store
		return f, store
	}
	proxy := tcpproxy.Start(t, f.db.Server, tcpproxy.All)
	f.db.Open = func(ctx context.Context, seed Seed[T]) (catalog.Store[T], error) {
		return f.db.OpenAt(ctx, proxy.Addr(), seed)
	}
	f.store = f.open(noRoster)
	return f, proxy
}

// testPickDuringOutage changes a table while its store is unreachable: picks may fail, but none may return a row that
// has been outdated for too long, or be served from memory that can't be verified.
func (e Engine[T]) testPickDuringOutage(t *testing.T, p profile) {
	for _, c := range []struct {
		name    string
		outage  func(way)
		lasting bool
	}{
		{"connections are cut", func(w way) { w.Cut() }, false},
		{"connections are cut again and again", func(w way) {
			for range 30 {
				w.Cut()
				time.Sleep(50 * time.Millisecond)
			}
		}, false},
		{"the store is away", func(w way) {
			w.Become(tcpproxy.Refuses)
			w.Cut()
		}, true},
		{"the store hangs", func(w way) { w.Become(tcpproxy.Hangs) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, way := e.breakable(t)
			f.put(f.numbered(1, 51)...)
			o := &outage[T]{fixture: f, picker: f.picker(p), profile: p}
			o.pick(t)
			f.exec(f.db.SQL, f.insertion(f.item(101, "new")),
				"UPDATE "+e.Kind.Table.Name+" SET name = 'changed' WHERE id = 51", "DELETE FROM "+e.Kind.Table.Name+" WHERE id = 1")
			o.changed = time.Now()
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.outage(way)
			}()
			if c.lasting {
				<-done
				o.away = time.Now()
			}
			o.pickFor(t, 2*freshness)
			<-done
			way.Become(tcpproxy.Passes)
			o.away = time.Time{}
			o.recovers(t)
		})
	}
}

// outage is a picker whose table has changed and whose store is in trouble.
type outage[T catalog.Item] struct {
	*fixture[T]
	picker  *catalog.Picker[T]
	profile profile
	changed time.Time // zero if it wasn't
	away    time.Time // since when the store is unreachable, zero if it is reachable
}

// pick picks once and returns the item's label, "" if the pick fails. A stale item fails the test.
func (o *outage[T]) pick(t *testing.T) (label string) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	item, err := o.picker.Random(ctx)
	if err != nil {
		return ""
	}
	old := strings.HasPrefix(item.Label(), "item ")
	if since := begin.Sub(o.changed); old && !o.changed.IsZero() && since >= o.profile.stale {
		t.Errorf("picked %q %s after it was changed", item.Label(), since)
	}
	if since := begin.Sub(o.away); !o.away.IsZero() && since >= freshness {
		t.Errorf("picked %q from a store that has been unreachable for %s", item.Label(), since)
	}
	return item.Label()
}

// pickFor picks from several goroutines.
func (o *outage[T]) pickFor(t *testing.T, long time.Duration) {
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for begin := time.Now(); time.Since(begin) < long; time.Sleep(5 * time.Millisecond) {
				o.pick(t)
			}
		})
	}
	group.Wait()
}

// recovers checks that the current rows are picked again.
func (o *outage[T]) recovers(t *testing.T) {
	seen := map[string]bool{}
	for deadline := time.Now().Add(30 * time.Second); !seen["new"] || !seen["changed"]; seen[o.pick(t)] = true {
		if time.Now().After(deadline) {
			t.Fatalf("after the outage, only %v were picked", seen)
		}
	}
	if seen[fmt.Sprint("item ", 1)] {
		t.Error("a deleted row was picked")
	}
}
