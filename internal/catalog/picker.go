package catalog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// maxAge is how old the index may be when a pick uses it.
	maxAge = time.Second
	// renewAge is when a pick has the index renewed in the background, so that picks under load never wait for it.
	renewAge = maxAge / 2
	// renewTimeout bounds one renewal.
	renewTimeout = 5 * time.Second
	// largeAge is for how long a table that was found above the limit is not tried again, so that one that changes all
	// the time isn't read up to the limit with every renewal.
	largeAge = 5 * time.Second
)

// Picker draws items, each equally likely whatever the gaps in the ids, from an index of the whole table in memory: a
// pick is one random number, however large the table is.
//
// The index holds the rows, already encoded, as far as they fit the limit; then a pick reads nothing. Of a larger
// table it holds the ids (8 bytes a row): a pick draws one of them, reads that row by its primary key, and draws again
// when the row is gone. Drawing from a list that also holds ids of deleted rows and refusing those leaves the rest
// equally likely.
//
// The index is renewed at most twice a second and only while someone draws; the store tells whether anything has
// changed, so that an unchanged table isn't read again. No pick returns a row that was read, or known to be unchanged,
// more than maxAge before.
type Picker[T Item] struct {
	store   Store[T]
	limit   int64
	now     func() time.Time
	current atomic.Pointer[index[T]]
	flight  singleflight.Group
	life    context.Context // of renewals, which belong to no single request
	end     context.CancelFunc
}

// NewPicker returns a picker that has read nothing yet. It keeps the rows of a table whose size, as Size counts it, is
// within limit; with 0 it keeps none.
func NewPicker[T Item](store Store[T], limit int64) *Picker[T] {
	p := &Picker[T]{store: store, limit: limit, now: time.Now}
	p.life, p.end = context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	p.current.Store(&index[T]{})
	return p
}

// Random draws one item. It fails with ErrEmpty when there is none.
func (p *Picker[T]) Random(ctx context.Context) (T, error) {
	drawn, err := p.draw(ctx)
	return drawn.item, err
}

// RandomJSON draws one item as AppendJSON encodes it. The bytes belong to the picker: they must not be changed.
func (p *Picker[T]) RandomJSON(ctx context.Context) ([]byte, error) {
	drawn, err := p.draw(ctx)
	if err == nil && drawn.json == nil {
		drawn.json = drawn.item.AppendJSON(nil)
	}
	return drawn.json, err
}

// Ready draws an item when that takes no reading: the rows are in memory, and fresh. It has them renewed in time, so that
// it stays ready as long as somebody draws.
func (p *Picker[T]) Ready() (item T, ok bool) {
	current := p.current.Load()
	age := p.now().Sub(current.read)
	if len(current.rows) == 0 || age >= maxAge {
		return item, false
	}
	if age >= renewAge {
		p.flight.DoChan("", p.renew)
	}
	return current.rows[rand.N(len(current.rows))].item, true
}

// draw returns a row, encoded when it comes from memory.
func (p *Picker[T]) draw(ctx context.Context) (row[T], error) {
	for {
		current, fresh, err := p.index(ctx)
		if err != nil {
			return row[T]{}, err
		}
		n := current.size()
		if n == 0 {
			return row[T]{}, ErrEmpty
		}
		at := rand.N(n)
		if fresh && current.rows != nil {
			return current.rows[at], nil
		}
		item, err := p.store.Get(ctx, current.id(at))
		if !errors.Is(err, ErrNotFound) {
			return row[T]{item: item}, err
		}
		p.current.CompareAndSwap(current, &index[T]{large: current.large}) // out of date: read it again
	}
}

// index returns an index whose read began at most maxAge ago, or else one that was read for this pick. That read may
// have taken so long that it isn't fresh any more.
func (p *Picker[T]) index(ctx context.Context) (current *index[T], fresh bool, err error) {
	current = p.current.Load()
	age := p.now().Sub(current.read)
	if age < renewAge {
		return current, true, nil
	}
	renewed := p.flight.DoChan("", p.renew)
	if age < maxAge {
		return current, true, nil
	}
	select {
	case result := <-renewed:
		if result.Err != nil {
			return nil, false, result.Err
		}
		current = result.Val.(*index[T]) // another pick may have dropped the current one by now
		return current, p.now().Sub(current.read) < maxAge, nil
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
}

// renew reads the index anew when the table has changed. It runs in a goroutine of its own, where a panic would end
// the process.
func (p *Picker[T]) renew() (_ any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(p.life, renewTimeout)
	defer cancel()
	old, begin := p.current.Load(), p.now()
	ids, version, err := p.store.IDs(ctx, old.version)
	if err != nil {
		return nil, err
	}
	renewed := &index[T]{ids: ids, version: version, read: begin, large: old.large, loadable: p.limit > 0}
	if version == old.version && version != "" {
		renewed.ids, renewed.rows, renewed.loadable = old.ids, old.rows, old.loadable
	}
	if renewed.loadable && begin.Sub(old.large) >= largeAge {
		if err := p.load(ctx, renewed); err != nil {
			return nil, err
		}
	}
	p.current.Store(renewed)
	return renewed, nil
}

// load puts rows in the place of the ids, unless the table is too large. The version was read before: a change in
// between makes the next version differ.
func (p *Picker[T]) load(ctx context.Context, into *index[T]) error {
	rows, fit, err := snapshot(ctx, p.store, len(into.ids), p.limit)
	if err != nil {
		return err
	}
	into.loadable = false
	if fit {
		into.ids, into.rows = nil, rows
	} else {
		into.large = into.read
	}
	return nil
}

// Close ends a renewal under way. A pick that needs one fails after that.
func (p *Picker[T]) Close() { p.end() }
