package catalog

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// rowSize is the size that is assumed for a row besides its JSON: the struct, two slice headers and the allocator's
// overhead for each string. The bytes of its strings, which are in memory in addition to the JSON, are not counted.
const rowSize = 256

// largeAge is how long a table that exceeded the limit isn't cached again, so that a table that keeps changing doesn't
// fill the memory with every renewal.
const largeAge = 5 * time.Second

// memory is a picker's bookkeeping of its cached rows.
type memory struct {
	bytes    int64         // of all cached rows
	missing  int           // slots without a row of this epoch
	tooLarge time.Duration // when the table last exceeded the limit

	loading bool          // a load is in progress
	loaded  bool          // rows of this epoch have been loaded
	next    int           // the slot at which the load of this epoch continues
	pause   time.Duration // before the next load, after a wasted one
	resume  time.Duration // when loading may resume
}

// credit is the number of unpicked rows that may be loaded: as many as picks served from memory have saved. It is
// capped at about the size of the table, after which picks need not count.
type credit struct{ rows atomic.Int64 }

// earn adds the rows that picks served from memory have saved.
func (c *credit) earn(saved, table int) {
	if c.rows.Load() < int64(table) {
		c.rows.Add(int64(saved))
	}
}

func (c *credit) pay(rows int) { c.rows.Add(-int64(rows)) }

func (c *credit) covers(rows int) bool { return c.rows.Load() >= int64(rows) }

func newRow[T Item](item T, read time.Duration) *row[T] {
	return &row[T]{item, item.AppendJSON(nil), read}
}

// newPage returns rows that are cached and replaced together: they share one allocation, and their JSON another.
func newPage[T Item](items []T, read time.Duration) []*row[T] {
	var buffer []byte
	ends := make([]int, len(items))
	for i, item := range items {
		buffer = item.AppendJSON(buffer)
		ends[i] = len(buffer)
	}
	buffer = slices.Clone(buffer) // trims the spare capacity, since it stays
	page, rows, begin := make([]row[T], len(items)), make([]*row[T], len(items)), 0
	for i, end := range ends {
		page[i] = row[T]{items[i], buffer[begin:end:end], read}
		rows[i], begin = &page[i], end
	}
	return rows
}

func (r *row[T]) size() int64 {
	if r == nil {
		return 0
	}
	return int64(len(r.json)) + rowSize
}

// freshUntil returns until when at least a row is fresh.
func (r *row[T]) freshUntil() time.Duration {
	if r == nil {
		return never
	}
	return r.read + MaxAge
}

// beginRead records that a read or a write begins.
func (p *Picker[T]) beginRead() (edited int64, begin time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.edits.begun(), p.now()
}

func (p *Picker[T]) endRead(edited int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edits.ended(edited)
}

// read reads a picked row and caches it.
func (p *Picker[T]) read(ctx context.Context, x *index[T], id int64) (row[T], error) {
	if x.slots == nil {
		item, err := p.store.Get(ctx, id)
		return row[T]{item: item}, err
	}
	edited, begin := p.beginRead()
	defer p.endRead(edited)
	item, err := p.store.Get(ctx, id)
	if err != nil {
		return row[T]{}, err
	}
	picked := newRow(item, begin)
	p.cacheRows(edited, picked)
	return *picked, nil
}

// readMany reads picked rows in one query and caches them. Rows that are gone are left out.
func (p *Picker[T]) readMany(ctx context.Context, ids []int64) ([]*row[T], error) {
	edited, begin := p.beginRead()
	defer p.endRead(edited)
	items, err := p.store.GetMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]*row[T], len(items))
	for i, item := range items {
		rows[i] = newRow(item, begin)
	}
	p.cacheRows(edited, rows...)
	return rows, nil
}

// cacheRows caches rows whose read began at the edit count edited, and starts a load if there is credit for it.
func (p *Picker[T]) cacheRows(edited int64, rows ...*row[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rows {
		x, at, ok := p.slot(r.item.Key())
		if !ok || p.edits.changed(r.item.Key(), edited) {
			continue
		}
		if old := x.slots[at].Load(); old == nil || old.read <= r.read {
			p.put(x, at, r)
		}
	}
	p.startLoad()
}

// slot returns the slot of the row with the id in the current index; ok is false if the row isn't cached. The caller
// holds the mutex, here and for everything below.
func (p *Picker[T]) slot(id int64) (x *index[T], at int, ok bool) {
	x = p.current.Load()
	at, found := slices.BinarySearch(x.ids, id)
	return x, at, found && x.slots != nil
}

// put replaces the row in a slot of the current index with r, which may be nil.
func (p *Picker[T]) put(x *index[T], at int, r *row[T]) {
	old := x.slots[at].Swap(r)
	p.memory.bytes += r.size() - old.size()
	if x.current(old) {
		p.memory.missing++
	}
	if x.current(r) {
		p.memory.missing--
	}
	whole := min(x.whole, r.freshUntil())
	switch {
	case p.memory.bytes > p.limit:
		p.dropRows()
		return
	case p.memory.missing == 0:
		whole = x.freshUntil()
	}
	if whole != x.whole {
		next := *x
		next.whole = whole
		p.current.Store(&next)
	}
}

// dropRows drops the rows of a table that exceeds the limit.
func (p *Picker[T]) dropRows() {
	next := *p.current.Load()
	next.slots, next.whole = nil, never
	p.memory.bytes, p.memory.missing, p.memory.tooLarge = 0, 0, p.now()
	p.current.Store(&next)
}

// insert adds an id without a row.
func (p *Picker[T]) insert(id int64) {
	x := p.current.Load()
	next := x.with(id)
	if next != x && next.slots != nil {
		p.memory.missing++
	}
	p.current.Store(next)
}

// forget empties the slot of the id.
func (p *Picker[T]) forget(id int64) {
	if x, at, ok := p.slot(id); ok {
		p.put(x, at, nil)
	}
}

// remove removes an id and its row. The other rows stay fresh for as long as before.
func (p *Picker[T]) remove(id int64) {
	whole := p.current.Load().whole
	p.forget(id)
	x := p.current.Load()
	next := x.without(id)
	if next == x {
		return
	}
	if next.slots != nil {
		p.memory.missing--
		next.whole = whole
		if p.memory.missing == 0 {
			next.whole = next.freshUntil()
		}
	}
	p.current.Store(next)
}

// carryRows moves the rows of old to next, whose epoch is new, as far as the limit allows.
func (p *Picker[T]) carryRows(next, old *index[T]) {
	m, n := &p.memory, len(next.ids)
	p.judgeLoad()
	m.next, m.loaded, m.missing = 0, false, n
	next.whole = never
	switch {
	case p.limit == 0 || int64(n)*rowSize > p.limit || p.now()-m.tooLarge < largeAge:
		next.slots, m.bytes, m.missing = nil, 0, 0
		return
	case old.slots == nil:
		next.slots = make([]atomic.Pointer[row[T]], n)
		return
	case !slices.Equal(next.ids, old.ids):
		next.slots = old.carry(next.ids)
	}
	m.bytes = 0
	all := true
	for i := range next.slots {
		r := next.slots[i].Load()
		m.bytes += r.size()
		all = all && r != nil
	}
	if all {
		next.whole = old.whole
	}
}
