package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

const (
	// MaxAge is the maximum staleness of a picked row: the time since the row was read or last known to be unchanged.
	MaxAge = time.Second
	// renewAge is the age at which a pick triggers a background renewal of the index, so that picks under load never
	// wait.
	renewAge = MaxAge / 2
	// quickIDs is the number of ids that can be read in about the time it takes to read one row. If an index has at
	// most this many ids and is older than MaxAge, picks wait for a new index, so that they miss no row. An index with
	// more ids remains in use during its renewal.
	quickIDs = 10_000
	// maxMisses is the number of deleted rows that a pick may hit before it waits for a new index, however large the
	// index is.
	maxMisses = 10
)

// Service serves one catalog from its store. It picks items with equal probability, regardless of gaps in the ids.
//
// The service keeps an index of all ids in memory, 8 bytes each. A pick needs one random number and, if the row isn't
// in memory, one read by primary key. If the row has been deleted, the service picks again: rejecting deleted ids
// leaves the other ids equally likely to be picked.
//
// Once read, a row stays in memory in encoded form, unless the table exceeds the memory limit. Rows that haven't been
// picked yet are loaded in the background, at most one for each read that the cache has saved (load.go). So a pick
// never waits for any row but its own, and no more rows are read than without a cache.
//
// Changes made by other processes are detected by renewing the index in the background, at most twice a second and only
// while items are being picked (renew.go). If the store reports that nothing has changed, the cache stays valid. No
// pick returns a row that was last read, or last known to be unchanged, more than MaxAge ago. While items are being
// picked, a row added by another process is missed for at most MaxAge, provided the ids can be read in half that time.
// If reading the ids takes longer, as with a million rows, picks continue to use the ids read last: a new row may be
// missed for as long as it takes to read the ids twice, plus the pause between the two reads. The first picks after an
// idle period use the old ids, unless the index has at most quickIDs of them. However old the ids are, a pick that hits
// a deleted row notices this when it reads the row by key.
//
// Changes made through Write are applied to the index without any read (write.go): every pick that begins later sees
// them.
type Service[T Item] struct {
	Kind    Kind[T]
	store   Store[T]
	limit   int64
	start   time.Time // all times are durations since start, because the monotonic clock is cheaper to read
	current atomic.Pointer[index[T]]
	credit  atomic.Int64            // number of unpicked rows that may be loaded: the number of reads saved by the cache
	renewal atomic.Pointer[renewal] // in progress, or nil
	doubted atomic.Bool             // the next renewal must read the ids even if the version is unchanged
	life    context.Context         // context for background work, which doesn't belong to any one request
	end     context.CancelFunc

	mu       sync.Mutex // guards the fields below, and all writes to current and its rows
	timeouts int        // renewals that timed out since the last success
	edits    edits
	memory   memory
	tracer   *telemetry.Tracer // set before the first pick
}

// NewService returns a service that reads nothing until its first use. It caches all rows of a table that needs at most
// limit bytes; each row counts as the length of its JSON plus rowSize. With a limit of 0, the service caches no rows.
// It must be closed before its store.
func NewService[T Item](kind Kind[T], store Store[T], limit int64) *Service[T] {
	s := &Service[T]{Kind: kind, store: store, limit: limit, start: time.Now(), memory: memory{tooLarge: never}}
	s.edits.open = map[int64]int{}
	s.life, s.end = context.WithCancel(context.Background()) //nolint:gosec // called by Close
	s.current.Store(&index[T]{due: never, whole: never, epoch: epoch{never, never}, last: epoch{never, never}})
	return s
}

// Measure adds the metrics of the service and of its store, whose engine is given under its name in OpenTelemetry's
// semantic conventions. Call it before the first pick.
func (s *Service[T]) Measure(m *telemetry.Metrics, engine string) {
	if m == nil {
		return
	}
	s.tracer = m.Tracer()
	store := &measured[T]{Store: s.store}
	store.operations.Measure(m, engine, s.Kind.Table.Name)
	s.store = store
	m.Func(telemetry.SnapshotAge, func() float64 {
		if x := s.current.Load(); x.epoch.checked > never {
			return (s.now() - x.epoch.checked).Seconds()
		}
		return math.NaN() // never read
	})
	m.Func(telemetry.SnapshotIDs, func() float64 { return float64(len(s.current.Load().ids)) })
	m.Func(telemetry.SnapshotRows, func() float64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if x := s.current.Load(); x.slots != nil {
			return float64(len(x.slots) - s.memory.missing)
		}
		return 0
	})
}

// never is a time in the distant past, as a duration since start.
const never = -1000 * time.Hour

func (s *Service[T]) now() time.Duration { return time.Since(s.start) }

// Random picks one item. It returns ErrEmpty if there are no items.
func (s *Service[T]) Random(ctx context.Context) (T, error) {
	picked, err := s.pick(ctx)
	return picked.item, err
}

// RandomJSON picks one item and returns its JSON, which must not be modified.
func (s *Service[T]) RandomJSON(ctx context.Context) ([]byte, error) {
	picked, err := s.pick(ctx)
	if err == nil && picked.json == nil {
		picked.json = picked.item.AppendJSON(nil)
	}
	return picked.json, err
}

// Ready picks an item without reading from the store, which is possible only when all rows are in memory and fresh. If
// Ready also picked when only some rows were in memory, it would favour those rows.
func (s *Service[T]) Ready() (item T, ok bool) {
	x, now := s.current.Load(), s.now()
	if now >= x.due {
		s.renew()
	}
	if now >= x.whole || len(x.ids) == 0 {
		return item, false
	}
	picked := x.slots[rand.N(len(x.ids))].Load()
	if picked == nil || x.age(picked, now) >= MaxAge { // the row has just been dropped or replaced
		return item, false
	}
	s.earn(1, len(x.ids))
	return picked.item, true
}

func (s *Service[T]) pick(ctx context.Context) (row[T], error) {
	for missed, misses := never, 0; ; misses++ {
		x, now, err := s.index(ctx, missed, misses)
		if err != nil {
			return row[T]{}, s.notPicked(err)
		}
		at := rand.N(len(x.ids))
		if picked := x.row(at, now); picked != nil {
			s.earn(1, len(x.ids))
			return *picked, nil
		}
		picked, err := s.read(ctx, x, x.ids[at])
		if !errors.Is(err, ErrNotFound) {
			return picked, s.notPicked(err)
		}
		missed = x.epoch.since
	}
}

func (s *Service[T]) notPicked(err error) error {
	if err != nil {
		err = fmt.Errorf("picking a %s: %w", s.Kind.Singular, err)
	}
	return err
}

// MaxBatch is the maximum number of items per batch.
const MaxBatch = 128

// RandomBatch picks n items independently of each other and returns them as a JSON array. All rows in the batch were
// read, or known to be unchanged, at most age ago. All picks use one index, and rows that aren't in memory are read in
// one query; only picks of deleted rows are repeated.
//
// A batch ends before the first unreadable row, so that an unreadable row doesn't cause other picks to fail. A batch
// that would begin with an unreadable row fails with that row's storage.RowError.
func (s *Service[T]) RandomBatch(ctx context.Context, n int) (array []byte, age time.Duration, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("picking %d %s: %w", n, s.Kind.Plural, err)
		}
	}()
	picks := make([]*row[T], n)
	for missed, misses := never, 0; slices.Contains(picks, nil); misses++ {
		x, now, err := s.index(ctx, missed, misses)
		if err != nil {
			return nil, 0, err
		}
		var fillAge time.Duration
		if picks, fillAge, err = s.fill(ctx, x, now, picks); err != nil {
			return nil, 0, err
		}
		age = max(age, fillAge)
		missed = x.epoch.since
	}
	array = make([]byte, 0, n*(len(picks[0].json)+rowSize))
	for _, picked := range picks {
		array = append(append(array, ','), picked.json...)
	}
	array[0] = '['
	return append(array, ']'), age, nil
}

// fill picks a row for each empty slot in picks. Slots of deleted rows stay empty; the batch is truncated before the
// first unreadable row. fill returns the age of the oldest row or, if the index is fresh but older than every row, the
// age of the index, since rows may have been added after the ids were read.
func (s *Service[T]) fill(ctx context.Context, x *index[T], now time.Duration, picks []*row[T]) (
	filled []*row[T], age time.Duration, err error,
) {
	if age = now - x.epoch.checked; age >= MaxAge {
		age = 0
	}
	saved, missing := map[int64]bool{}, map[int64][]int{} // by id; the missing map holds each id's positions in picks
	for i, picked := range picks {
		if picked != nil {
			continue
		}
		at := rand.N(len(x.ids))
		id := x.ids[at]
		if picks[i] = x.row(at, now); picks[i] == nil {
			missing[id] = append(missing[id], i)
			continue
		}
		saved[id] = true
		age = max(age, x.age(picks[i], now))
	}
	s.earn(len(saved), len(x.ids))
	for len(missing) > 0 {
		rows, err := s.readMany(ctx, slices.Collect(maps.Keys(missing)))
		if end := firstUnreadable(err, missing); end > 0 {
			picks = picks[:end]
			maps.DeleteFunc(missing, func(_ int64, places []int) bool { return places[0] >= end })
			continue
		}
		for _, r := range rows {
			for _, place := range missing[r.item.Key()] {
				if place < len(picks) {
					picks[place] = r
				}
			}
		}
		return picks, age, err
	}
	return picks, age, nil
}

// firstUnreadable returns the first position of the row that err reports as unreadable, or 0 for any other error.
// firstUnreadable also returns 0 if the row is in the first position, in which case the whole batch fails.
func firstUnreadable(err error, places map[int64][]int) int {
	var row *storage.RowError
	if !errors.As(err, &row) {
		return 0
	}
	id, err := strconv.ParseInt(row.ID, 10, 64)
	if err != nil || places[id] == nil {
		return 0
	}
	return places[id][0]
}

// index returns the index to pick from, which has at least one id, and the current time. It waits for a renewal if the
// current index is too old to guarantee that no row is missed, or if the pick has hit deleted rows. misses is the
// number of deleted rows hit so far; missed is the start of the epoch of the index used at the last miss.
func (s *Service[T]) index(ctx context.Context, missed time.Duration, misses int) (*index[T], time.Duration, error) {
	x, now := s.current.Load(), s.now()
	quick := x.quick() || len(x.ids) == 0
	outdated := misses > 0 && x.epoch.since == missed && (quick || misses >= maxMisses)
	switch {
	case outdated:
		s.doubted.Store(true)
		fallthrough
	case quick && now-x.epoch.checked >= MaxAge:
		if err := s.await(ctx); err != nil {
			return nil, 0, err
		}
		x, now = s.current.Load(), s.now()
	case now >= x.due:
		s.renew()
	}
	if len(x.ids) == 0 {
		return nil, 0, ErrEmpty
	}
	return x, now, nil
}

// Close stops background work. After Close, a pick that needs a renewal fails.
func (s *Service[T]) Close() { s.end() }
