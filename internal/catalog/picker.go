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
	// maxAge is how old the index of ids may be when a pick uses it.
	maxAge = time.Second
	// renewAge is when a pick has the index renewed in the background, so that picks under load never wait for it.
	renewAge = maxAge / 2
	// renewTimeout bounds one renewal.
	renewTimeout = 5 * time.Second
)

// Picker draws items, each equally likely whatever the gaps in the ids: it keeps every id in memory (8 bytes a
// row), draws one of them, reads that row by its primary key, and draws again when the row is gone. Drawing from a
// list that also holds ids of deleted rows and refusing those leaves the rest equally likely.
//
// The index is renewed at most twice a second and only while someone draws; the store tells whether anything has
// changed, so that an unchanged table isn't read again. A pick costs one random number and one read by key,
// however large the table is.
type Picker[T Item] struct {
	store   Store[T]
	now     func() time.Time
	current atomic.Pointer[index]
	flight  singleflight.Group
	life    context.Context // of renewals, which belong to no single request
	end     context.CancelFunc
}

type index struct {
	ids     []int64
	version Version
	read    time.Time // when the read began
}

// NewPicker returns a picker that has read nothing yet.
func NewPicker[T Item](store Store[T]) *Picker[T] {
	p := &Picker[T]{store: store, now: time.Now}
	p.life, p.end = context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	p.current.Store(&index{})
	return p
}

// Random draws one item. It fails with ErrEmpty when there is none.
func (p *Picker[T]) Random(ctx context.Context) (T, error) {
	var none T
	for {
		ids, err := p.ids(ctx)
		if err != nil {
			return none, err
		}
		if len(ids.ids) == 0 {
			return none, ErrEmpty
		}
		item, err := p.store.Get(ctx, ids.ids[rand.N(len(ids.ids))])
		if !errors.Is(err, ErrNotFound) {
			return item, err
		}
		p.current.CompareAndSwap(ids, &index{}) // out of date: read it again
	}
}

// ids returns an index whose read began at most maxAge ago, or else one that was read for this pick.
func (p *Picker[T]) ids(ctx context.Context) (*index, error) {
	current := p.current.Load()
	age := p.now().Sub(current.read)
	if age < renewAge {
		return current, nil
	}
	renewed := p.flight.DoChan("", p.renew)
	if age < maxAge {
		return current, nil
	}
	select {
	case result := <-renewed:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*index), nil // another pick may have dropped the current one by now
	case <-ctx.Done():
		return nil, context.Cause(ctx)
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
	if version == old.version && version != "" {
		ids = old.ids
	}
	renewed := &index{ids: ids, version: version, read: begin}
	p.current.Store(renewed)
	return renewed, nil
}

// Close ends a renewal under way. A pick that needs one fails after that.
func (p *Picker[T]) Close() { p.end() }
