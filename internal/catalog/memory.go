package catalog

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// rowSize is the assumed size of a cached row, excluding its JSON: the struct, two slice headers and the allocator's
// overhead for each string. The row's strings, which take up memory in addition to the JSON, are not counted.
const rowSize = 256

// largeAge is how long a table stays uncached after exceeding the limit, so that a table that keeps changing doesn't
// fill the memory after every renewal.
const largeAge = 5 * time.Second

// memory tracks a picker's cached rows.
type memory struct {
	bytes    int64         // of all cached rows
	missing  int           // slots that hold no row from this epoch
	tooLarge time.Duration // when the table last exceeded the limit

	loading bool          // a load is in progress
	loaded  bool          // rows have been loaded in this epoch
	next    int           // the slot at which loading continues in this epoch
	pause   time.Duration // pause before the next load, after a wasted load
	resume  time.Duration // when loading may resume
}

// earn adds credit for the reads that were saved because the picked rows were in memory. The credit is capped at about
// the size of the table, so that picks need not update it once the cap is reached.
func (s *Service[T]) earn(saved, table int) {
	if s.credit.Load() < int64(table) {
		s.credit.Add(int64(saved))
	}
}

func newRow[T Item](item T, read time.Duration) *row[T] {
	return &row[T]{item, item.AppendJSON(nil), read}
}

// newPage returns rows that share one allocation, and whose JSON shares another, because they are cached and replaced
// together.
func newPage[T Item](items []T, read time.Duration) []*row[T] {
	var buffer []byte
	ends := make([]int, len(items))
	for i, item := range items {
		buffer = item.AppendJSON(buffer)
		ends[i] = len(buffer)
	}
	buffer = slices.Clone(buffer) // drop the spare capacity, since the JSON stays in memory
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

// freshUntil returns the time until which a row is guaranteed to be fresh.
func (r *row[T]) freshUntil() time.Duration {
	if r == nil {
		return never
	}
	return r.read + MaxAge
}

// beginRead records the beginning of a read or a write.
func (s *Service[T]) beginRead() (edited int64, begin time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edits.begun(), s.now()
}

func (s *Service[T]) endRead(edited int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits.ended(edited)
}

// read reads a picked row and caches it.
func (s *Service[T]) read(ctx context.Context, x *index[T], id int64) (row[T], error) {
	if x.slots == nil {
		item, err := s.store.Get(ctx, id)
		return row[T]{item: item}, err
	}
	edited, begin := s.beginRead()
	defer s.endRead(edited)
	item, err := s.store.Get(ctx, id)
	if err != nil {
		return row[T]{}, err
	}
	picked := newRow(item, begin)
	s.cacheRows(edited, picked)
	return *picked, nil
}

// readMany reads picked rows in one query and caches them. It omits rows that no longer exist.
func (s *Service[T]) readMany(ctx context.Context, ids []int64) ([]*row[T], error) {
	edited, begin := s.beginRead()
	defer s.endRead(edited)
	items, err := s.store.GetMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]*row[T], len(items))
	for i, item := range items {
		rows[i] = newRow(item, begin)
	}
	s.cacheRows(edited, rows...)
	return rows, nil
}

// cacheRows caches rows, unless they have been edited since the given edit count, and starts a background load if the
// credit allows it.
func (s *Service[T]) cacheRows(edited int64, rows ...*row[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		x, at, ok := s.slot(r.item.Key())
		if !ok || s.edits.changed(r.item.Key(), edited) {
			continue
		}
		if old := x.slots[at].Load(); old == nil || old.read <= r.read {
			s.put(x, at, r)
		}
	}
	s.startLoad()
}

// slot returns the slot of the row with the given id in the current index; ok is false if the row isn't cached. The
// caller must hold the mutex, here and in every function below.
func (s *Service[T]) slot(id int64) (x *index[T], at int, ok bool) {
	x = s.current.Load()
	at, found := slices.BinarySearch(x.ids, id)
	return x, at, found && x.slots != nil
}

// put replaces the row in a slot of the current index with r, which may be nil.
func (s *Service[T]) put(x *index[T], at int, r *row[T]) {
	old := x.slots[at].Swap(r)
	s.memory.bytes += r.size() - old.size()
	if x.current(old) {
		s.memory.missing++
	}
	if x.current(r) {
		s.memory.missing--
	}
	whole := min(x.whole, r.freshUntil())
	switch {
	case s.memory.bytes > s.limit:
		s.dropRows()
		return
	case s.memory.missing == 0:
		whole = x.freshUntil()
	}
	if whole != x.whole {
		next := *x
		next.whole = whole
		s.current.Store(&next)
	}
}

// dropRows drops the rows of a table that exceeds the limit.
func (s *Service[T]) dropRows() {
	next := *s.current.Load()
	next.slots, next.whole = nil, never
	s.memory.bytes, s.memory.missing, s.memory.tooLarge = 0, 0, s.now()
	s.current.Store(&next)
}

// insert adds an id without a row.
func (s *Service[T]) insert(id int64) {
	x := s.current.Load()
	next := x.with(id)
	if next != x && next.slots != nil {
		s.memory.missing++
	}
	s.current.Store(next)
}

// forget clears the slot of the id.
func (s *Service[T]) forget(id int64) {
	if x, at, ok := s.slot(id); ok {
		s.put(x, at, nil)
	}
}

// remove removes an id and its row. The removal doesn't change how long the other rows stay fresh.
func (s *Service[T]) remove(id int64) {
	whole := s.current.Load().whole
	s.forget(id)
	x := s.current.Load()
	next := x.without(id)
	if next == x {
		return
	}
	if next.slots != nil {
		s.memory.missing--
		next.whole = whole
		if s.memory.missing == 0 {
			next.whole = next.freshUntil()
		}
	}
	s.current.Store(next)
}

// carryRows moves the cached rows from old to next, which has a new epoch, unless the table is too large to cache.
func (s *Service[T]) carryRows(next, old *index[T]) {
	m, n := &s.memory, len(next.ids)
	s.judgeLoad()
	m.next, m.loaded, m.missing = 0, false, n
	next.whole = never
	switch {
	case s.limit == 0 || int64(n)*rowSize > s.limit || s.now()-m.tooLarge < largeAge:
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
