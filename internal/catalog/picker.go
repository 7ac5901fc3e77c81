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
	// MaxAge is how old what a pick returns may be: the time since it was read, or known to be unchanged.
	MaxAge = time.Second
	// renewAge is when a pick has the index renewed in the background, so that picks under load never wait for it.
	renewAge = MaxAge / 2
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
// more than MaxAge before, or before a change that Changed has told of.
type Picker[T Item] struct {
	store   Store[T]
	limit   int64
	now     func() time.Time
	current atomic.Pointer[index[T]]
	changes atomic.Int64 // how often Changed was called
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

// Changed tells that the table was changed: every pick that begins after it sees the change. It is called when the
// change is committed.
//
// A renewal under way may have read before that. It is forgotten, so that picks from now on share one that begins later;
// and when it ends after that, its index is known by its count of changes, and replaced.
func (p *Picker[T]) Changed() {
	p.changes.Add(1)
	p.flight.Forget("")
}

// Random draws one item. It fails with ErrEmpty when there is none.
func (p *Picker[T]) Random(ctx context.Context) (T, error) {
	drawn, _, err := p.draw(ctx)
	return drawn.item, err
}

// RandomJSON draws one item as AppendJSON encodes it. The bytes belong to the picker: they must not be changed.
func (p *Picker[T]) RandomJSON(ctx context.Context) ([]byte, error) {
	drawn, _, err := p.draw(ctx)
	if err == nil && drawn.json == nil {
		drawn.json = drawn.item.AppendJSON(nil)
	}
	return drawn.json, err
}

// Ready draws an item when that takes no reading: the rows are in memory, and fresh.
func (p *Picker[T]) Ready() (item T, ok bool) {
	current, _, fresh := p.fresh()
	if !fresh || len(current.rows) == 0 {
		return item, false
	}
	return current.rows[rand.N(len(current.rows))].item, true
}

// RandomBatch draws n items, each independently of the others, as a JSON array. The oldest of them was drawn from what
// had been read, or was known to be unchanged, age before.
func (p *Picker[T]) RandomBatch(ctx context.Context, n int) (array []byte, age time.Duration, err error) {
	for range n {
		drawn, drawnAge, err := p.draw(ctx)
		if err != nil {
			return nil, 0, err
		}
		if array == nil {
			array = make([]byte, 0, n*(len(drawn.json)+rowSize))
		}
		array = appendRow(append(array, ','), drawn)
		age = max(age, drawnAge)
	}
	array[0] = '['
	return append(array, ']'), age, nil
}

func appendRow[T Item](dst []byte, drawn row[T]) []byte {
	if drawn.json == nil {
		return drawn.item.AppendJSON(dst)
	}
	return append(dst, drawn.json...)
}

// draw returns a row, encoded when it comes from memory, and the age of the index that it was drawn from, at most MaxAge.
func (p *Picker[T]) draw(ctx context.Context) (row[T], time.Duration, error) {
	for {
		current, age, err := p.index(ctx)
		if err != nil {
			return row[T]{}, 0, err
		}
		n := current.size()
		if n == 0 {
			return row[T]{}, 0, ErrEmpty
		}
		at := rand.N(n)
		if age < MaxAge && current.rows != nil {
			return current.rows[at], age, nil
		}
		item, err := p.store.Get(ctx, current.id(at))
		if !errors.Is(err, ErrNotFound) {
			return row[T]{item: item}, min(age, MaxAge), err // the row is new, and the index as good as it gets
		}
		p.current.CompareAndSwap(current, &index[T]{large: current.large}) // out of date: read it again
	}
}

// index returns an index that is younger than MaxAge, or else one that was read for this pick: that read may have taken
// so long that it isn't fresh any more. Either has all changes that were told of before.
func (p *Picker[T]) index(ctx context.Context) (current *index[T], age time.Duration, err error) {
	if current, age, fresh := p.fresh(); fresh {
		return current, age, nil
	}
	renewed := p.flight.DoChan("", p.renew)
	select {
	case result := <-renewed:
		if result.Err != nil {
			return nil, 0, result.Err
		}
		current = result.Val.(*index[T]) // another pick may have dropped the current one by now
		return current, p.now().Sub(current.read), nil
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
}

// fresh returns the index there is, and whether a pick may use it: it is younger than MaxAge, and has all changes that were
// told of. It is renewed in time, so that it stays fresh for as long as somebody draws.
func (p *Picker[T]) fresh() (current *index[T], age time.Duration, ok bool) {
	changes := p.changes.Load()
	current = p.current.Load()
	age = p.now().Sub(current.read)
	ok = age < MaxAge && current.changes >= changes
	if ok && age >= renewAge {
		p.flight.DoChan("", p.renew)
	}
	return current, age, ok
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
	changes, old, begin := p.changes.Load(), p.current.Load(), p.now()
	ids, version, err := p.store.IDs(ctx, old.version)
	if err != nil {
		return nil, err
	}
	renewed := &index[T]{ids: ids, version: version, changes: changes, read: begin, large: old.large, loadable: p.limit > 0}
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
