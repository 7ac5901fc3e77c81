package catalog_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

// cost holds the durations of statements on a simulated table.
type cost struct {
	get     time.Duration // a row
	version time.Duration // reading the version; 0 means the same as get
	write   time.Duration // writing a row; 0 means the same as get
	page    time.Duration // 500 rows
	id      time.Duration // time per id when all ids are read
}

// connections is the number of statements that a simulated store runs concurrently.
const connections = 10

// revision is a state of a row. Its number identifies the change that created it; the initial state has number 0.
type revision struct {
	number      int
	from, until time.Time // until is zero for the current revision
}

// simulated is a store on the fake clock of a synctest bubble. Each statement takes the time given by cost, and reads
// or changes the table halfway through. The store records every past state of a row.
type simulated struct {
	catalog.Store[entry]
	cost cost
	conn chan struct{}

	mu         sync.Mutex
	ids        []int64
	next       int64
	past       map[int64][]revision // past states of the changed rows
	changes    int
	other      int // changes of something else
	rows       int // read
	pages      int // of rows
	statements int
	idReads    int           // of all ids
	hung       chan struct{} // closed when a hang ends; nil when the store isn't hanging
	asked      int           // number of reads of the ids or the version

	fault       func(ctx context.Context, rows bool) error // if set, called before each read of rows or ids
	held        map[string]chan struct{}                   // by method name: delays the result of the method's next call
	unconfirmed bool                                       // writes succeed, but their confirmation is lost
	bad         int64                                      // id of an unreadable row, 0 for none
}

var errAway = errors.New("the store is away")

// away is a fault that makes every read of the ids fail.
func away(_ context.Context, rows bool) error {
	if rows {
		return nil
	}
	return errAway
}

// takes returns a fault that makes each read of the ids take d; if d is an hour, the store never responds in time.
func takes(d time.Duration) func(context.Context, bool) error {
	return func(ctx context.Context, rows bool) error {
		if rows {
			return nil
		}
		return slow(d)(ctx)
	}
}

func slow(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
			return nil
		}
	}
}

func newSimulated(rows int, c cost) *simulated {
	s := &simulated{cost: c, conn: make(chan struct{}, connections), past: map[int64][]revision{}, held: map[string]chan struct{}{}, next: 1}
	for range rows {
		s.ids = append(s.ids, s.next)
		s.next += 50
	}
	return s
}

// run simulates a statement that takes the given time.
func (s *simulated) run(ctx context.Context, took time.Duration, statement func()) error {
	select {
	case s.conn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.conn }()
	s.mu.Lock()
	s.statements++
	s.mu.Unlock()
	if err := s.wait(ctx, took/2); err != nil {
		return err
	}
	func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		statement()
	}()
	return s.wait(ctx, took-took/2)
}

// hold delays the result of the method's next call until release is called, as if the table changed while the query
// was in flight.
func (s *simulated) hold(method string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held[method] = held
	return func() { close(held) }
}

func (s *simulated) pass(method string) {
	s.mu.Lock()
	held := s.held[method]
	delete(s.held, method)
	s.mu.Unlock()
	if held != nil {
		<-held
	}
}

// count reads a counter.
func (s *simulated) count(of *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *of
}

// counts returns the number of rows read, and how many times the list of ids was read.
func (s *simulated) counts() (rows, idReads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows, s.idReads
}

// failWith sets the fault, nil for none.
func (s *simulated) failWith(fault func(ctx context.Context, rows bool) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// fails runs the current fault, if any, and returns its error.
func (s *simulated) fails(ctx context.Context, rows bool) error {
	s.mu.Lock()
	fault := s.fault
	if !rows {
		s.asked++
	}
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx, rows)
}

// setIDs replaces all rows.
func (s *simulated) setIDs(ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = ids
	s.changes++
}

// elsewhere changes the version without changing a row, as a change to another table in the database may do.
func (s *simulated) elsewhere() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other++
}

func (s *simulated) wait(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	hung := s.hung
	s.mu.Unlock()
	if hung != nil {
		select {
		case <-hung:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return slow(d)(ctx)
}

// hang blocks every statement until end is called.
func (s *simulated) hang() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hung := make(chan struct{})
	s.hung = hung
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hung = nil
		close(hung)
	}
}

// row returns the current row with the given id. The caller holds the mutex, as for every method below that takes no
// context.
func (s *simulated) row(id int64) (entry, bool) {
	if _, found := slices.BinarySearch(s.ids, id); !found {
		return entry{}, false
	}
	number := 0
	if past := s.past[id]; len(past) > 0 {
		number = past[len(past)-1].number
	}
	return newEntry(id, number), true
}

// newEntry returns an item whose name, which is also its entire JSON, identifies the row's state.
func newEntry(id int64, number int) entry {
	return entry{id: id, level: int32(number), name: fmt.Sprintf("%d at %d", id, number)}
}

func (s *simulated) Get(ctx context.Context, id int64) (e entry, err error) {
	defer s.pass("Get")
	if err := s.fails(ctx, true); err != nil {
		return e, err
	}
	found := false
	err = s.run(ctx, s.cost.get, func() {
		if e, found = s.row(id); found {
			s.rows++
		}
	})
	switch {
	case err == nil && !found:
		err = catalog.ErrNotFound
	case err == nil:
		err = s.unreadable(id)
	}
	return e, err
}

func (s *simulated) unreadable(ids ...int64) error {
	if s.bad == 0 || !slices.Contains(ids, s.bad) {
		return nil
	}
	return &storage.RowError{What: "entry", ID: fmt.Sprint(s.bad), Err: errors.New("level is too high")}
}

func (s *simulated) GetMany(ctx context.Context, ids []int64) (rows []entry, err error) {
	defer s.pass("GetMany")
	if err := s.fails(ctx, true); err != nil {
		return nil, err
	}
	took := s.cost.get + (s.cost.page-s.cost.get)*time.Duration(len(ids))/500
	err = s.run(ctx, took, func() {
		for _, id := range ids {
			if e, found := s.row(id); found {
				rows = append(rows, e)
			}
		}
		s.rows += len(rows)
		s.pages++
	})
	if err == nil {
		err = s.unreadable(ids...)
	}
	return rows, err
}

func (s *simulated) IDs(ctx context.Context, known catalog.Version) (ids []int64, version catalog.Version, err error) {
	defer s.pass("IDs")
	if err := s.fails(ctx, false); err != nil {
		return nil, "", err
	}
	n := 0
	err = s.run(ctx, cmp.Or(s.cost.version, s.cost.get), func() { version, n = catalog.Version(fmt.Sprint(s.changes, s.other)), len(s.ids) })
	if err != nil || version == known {
		return nil, version, err
	}
	err = s.run(ctx, time.Duration(n)*s.cost.id, func() {
		ids = slices.Clone(s.ids)
		s.idReads++
	})
	return ids, version, err
}

func (s *simulated) Write(ctx context.Context, id int64, change func(old *entry) (*entry, error)) (written *entry, err error) {
	defer s.pass("Write")
	statement := func() {
		var old *entry
		if id != 0 {
			e, found := s.row(id)
			if !found {
				err = catalog.ErrNotFound
				return
			}
			old = &e
		}
		if written, err = change(old); err == nil {
			e := s.become(id, written != nil)
			if written != nil {
				*written = e
			}
		}
	}
	if err := s.run(ctx, cmp.Or(s.cost.write, s.cost.get), statement); err != nil {
		return nil, fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
	}
	if s.unconfirmed {
		return nil, catalog.ErrMaybeWritten
	}
	return written, err
}

// become changes a row: it updates, inserts (id 0) or deletes the row.
func (s *simulated) become(id int64, there bool) entry {
	s.changes++
	if id == 0 {
		id = s.next
		s.next += 50
	}
	past, now := s.past[id], time.Now()
	at, found := slices.BinarySearch(s.ids, id)
	if found && len(past) == 0 {
		past = []revision{{}}
	}
	if found {
		past[len(past)-1].until = now
	}
	switch {
	case there:
		past = append(past, revision{number: s.changes, from: now})
		if !found {
			s.ids = slices.Insert(s.ids, at, id)
		}
	case found:
		s.ids = slices.Delete(s.ids, at, at+1)
	}
	s.past[id] = past
	return newEntry(id, s.changes)
}

// was reports whether e was the state of its row at some time between from and until.
func (s *simulated) was(e entry, from, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	past := s.past[e.id]
	if len(past) == 0 {
		past = []revision{{}}
	}
	return slices.ContainsFunc(past, func(r revision) bool {
		return r.number == int(e.level) && !r.from.After(until) && (r.until.IsZero() || !r.until.Before(from))
	})
}

// tester picks from a simulated table, changes it, and checks the results.
type tester struct {
	*testing.T
	store  *simulated
	picker *catalog.Service[entry]
	random *rand.Rand

	mu     sync.Mutex
	own    map[int64]int // number of the last completed change through the picker, by row, including deletions
	hung   time.Time     // when the store began to hang, zero if it isn't hanging
	failed int           // picks
	picks  int
	needed int           // rows that the picks would have read without a cache
	waited time.Duration // total waiting time of all picks
}

func newTester(t *testing.T, store *simulated, limit int64) *tester {
	picker := catalog.NewService(catalog.Kind[entry]{}, store, limit)
	t.Cleanup(picker.Close)
	return &tester{T: t, store: store, picker: picker, random: rand.New(rand.NewPCG(1, 2)), own: map[int64]int{}}
}

// pick picks one item, as a fight in the same process does, or n items as a batch.
func (w *tester) pick(ctx context.Context, n int) {
	w.mu.Lock()
	own, hung := make(map[int64]int, len(w.own)), w.hung
	for id, number := range w.own {
		own[id] = number
	}
	w.mu.Unlock()
	begin := time.Now()
	items, age, err := w.items(ctx, n)
	end := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.failed += n
		return
	}
	if !hung.IsZero() && hung.Equal(w.hung) && begin.Sub(hung) >= catalog.MaxAge {
		w.Errorf("a pick succeeded even though the store had been hanging for %s", begin.Sub(hung))
	}
	distinct := map[int64]bool{}
	for _, e := range items {
		distinct[e.id] = true
		if !w.store.was(e, begin.Add(-catalog.MaxAge), end) || !w.store.was(e, begin.Add(-age), end) {
			w.Errorf("picked %q, which has been outdated for more than %s (reported age %s): %v", e.name, catalog.MaxAge, age, w.store.past[e.id])
		}
		if number, changed := own[e.id]; changed && int(e.level) < number {
			w.Errorf("%q was picked after change %d was made through the picker", e.name, number)
		}
	}
	w.picks += n
	w.needed += len(distinct)
	w.waited += end.Sub(begin)
}

func (w *tester) items(ctx context.Context, n int) (items []entry, age time.Duration, err error) {
	if n == 1 {
		e, ready := w.picker.Ready()
		if !ready {
			e, err = w.picker.Random(ctx)
		}
		return []entry{e}, catalog.MaxAge, err
	}
	array, age, err := w.picker.RandomBatch(ctx, n)
	if err != nil {
		return nil, 0, err
	}
	var names []string
	if err := json.Unmarshal(array, &names); err != nil || len(names) != n {
		w.Errorf("%d items: %s (%v)", n, array, err)
	}
	for _, name := range names {
		var id int64
		var number int
		if _, err := fmt.Sscanf(name, "%d at %d", &id, &number); err != nil {
			w.Error(err)
		}
		items = append(items, newEntry(id, number))
	}
	return items, age, nil
}

// write makes a change through the picker: an update, an insert or a deletion.
func (w *tester) write(ctx context.Context) {
	id, there := w.change()
	var number int
	written, err := w.picker.Write(ctx, id, func(*entry) (*entry, error) {
		number = w.store.changes + 1
		if !there {
			return nil, nil
		}
		return &entry{}, nil
	})
	switch {
	case errors.Is(err, catalog.ErrNotFound), errors.Is(err, catalog.ErrMaybeWritten):
		return
	case err != nil:
		w.Errorf("writing: %v", err)
		return
	case written != nil:
		id = written.id
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.own[id] = max(w.own[id], number)
	if !there {
		w.own[id] = max(w.own[id], number+1) // so the row may only be picked if it has been inserted again
	}
}

// change returns a random row to change, or 0 for a new row, and whether the row exists afterwards.
func (w *tester) change() (id int64, there bool) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	kind := w.random.IntN(20)
	if kind == 0 || len(w.store.ids) == 0 {
		return 0, true
	}
	return w.store.ids[w.random.IntN(len(w.store.ids))], kind > 1 || len(w.store.ids) < 5
}

// othersChange makes a change as another process would.
func (w *tester) othersChange() {
	id, there := w.change()
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.become(id, there)
}

// every repeatedly calls a function, at the given rate per second, until the given time.
func every(rate int, until time.Time, do func()) {
	if rate == 0 {
		return
	}
	for begin, i := time.Now(), 1; ; i++ {
		at := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if !at.Before(until) {
			return
		}
		time.Sleep(time.Until(at))
		do()
	}
}
