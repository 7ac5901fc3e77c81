package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"superheroes/internal/storage"
)

const (
	// MaxAge is how stale a picked row may be: the time since it was read or last known to be unchanged.
	MaxAge = time.Second
	// renewAge is the age at which a pick triggers a background renewal of the index, so that picks under load never
	// wait.
	renewAge = MaxAge / 2
	// quickIDs is how many ids can be read in about the time of one row. A pick that finds an index of that size older
	// than MaxAge waits for a new one, so that it misses no row. A larger index is used while it is renewed.
	quickIDs = 10_000
	// maxMisses is how many picked rows may turn out to be gone before a pick waits for a new index of any size.
	maxMisses = 10
)

// Service serves one catalog from its store. It picks items, each equally likely whatever the gaps in the ids.
//
// It holds an index of all ids in memory, 8 bytes each. A pick is a random number, plus a read by primary key if the
// row isn't in memory. If the row is gone, it picks again: rejecting deleted ids leaves the others equally likely.
//
// Rows that were read stay in memory, encoded, unless the table exceeds the limit. Rows that nobody has picked yet are
// loaded in the background, as far as picks served from memory have paid for it (load.go). So a pick waits for no row
// but its own, and no more rows are read than without a cache.
//
// Changes by others are found by renewing the index in the background, at most twice a second and only while somebody
// picks (renew.go). If the store says that nothing has changed, the cache stays valid. No pick returns a row that was
// read, or known to be unchanged, more than MaxAge ago. While somebody picks, a row added by others is missed for at
// most MaxAge, provided the ids can be read in half that time. If they can't, as with a million rows, picks go on with
// the ids read last: a new row may be missed for as long as it takes to read them twice, plus the pause that the store
// gets in between. The first picks after a pause use the ids from before it, unless there are few (quickIDs). Deleted
// rows are found to be gone by their keys, however old the ids are.
//
// Changes made here, through Write, are applied to the index without any reading (write.go): every pick that begins
// later sees them.
type Service[T Item] struct {
	Kind    Kind[T]
	store   Store[T]
	limit   int64
	start   time.Time // times are durations since then: the monotonic clock is cheaper to read
	current atomic.Pointer[index[T]]
	credit  atomic.Int64            // unpicked rows that may be loaded: as many as picks served from memory have saved
	renewal atomic.Pointer[renewal] // in progress, or nil
	doubted atomic.Bool             // the next renewal reads the ids even if the version is the same
	life    context.Context         // of background work, which belongs to no single request
	end     context.CancelFunc

	mu       sync.Mutex // guards the fields below, and every change of current and its rows
	timeouts int        // of renewals, since the last success
	edits    edits
	memory   memory
}

// NewService returns a service that has read nothing yet. It caches the rows of a table of up to limit bytes, counted
// as JSON plus rowSize for each row; with 0 it caches none. It must be closed before its store.
func NewService[T Item](kind Kind[T], store Store[T], limit int64) *Service[T] {
	s := &Service[T]{Kind: kind, store: store, limit: limit, start: time.Now(), memory: memory{tooLarge: never}}
	s.edits.open = map[int64]int{}
	s.life, s.end = context.WithCancel(context.Background()) //nolint:gosec // called by Close
	s.current.Store(&index[T]{due: never, whole: never, epoch: epoch{never, never}, last: epoch{never, never}})
	return s
}

// never is a time in the distant past.
const never = -1000 * time.Hour

func (s *Service[T]) now() time.Duration { return time.Since(s.start) }

// Random picks one item. It fails with ErrEmpty if there is none.
func (s *Service[T]) Random(ctx context.Context) (T, error) {
	picked, err := s.pick(ctx)
	return picked.item, err
}

// RandomJSON picks one item and returns its JSON, whose bytes must not be modified.
func (s *Service[T]) RandomJSON(ctx context.Context) ([]byte, error) {
	picked, err := s.pick(ctx)
	if err == nil && picked.json == nil {
		picked.json = picked.item.AppendJSON(nil)
	}
	return picked.json, err
}

// Ready picks an item if no read is needed, whichever item it is: only when all rows are in memory and fresh. If only
// some were, those would be picked more often.
func (s *Service[T]) Ready() (item T, ok bool) {
	x, now := s.current.Load(), s.now()
	if now >= x.due {
		s.renew()
	}
	if now >= x.whole || len(x.ids) == 0 {
		return item, false
	}
	picked := x.slots[rand.N(len(x.ids))].Load()
	if picked == nil || x.age(picked, now) >= MaxAge { // it has just been replaced
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

// RandomBatch picks n items, each independently of the others, as a JSON array. All of them were read, or known to be
// unchanged, at most age ago. They come from one index, and those that aren't in memory from one read; only rows that
// turn out to be gone are picked again.
//
// A batch ends before the first row that can't be read, so that such a row fails no more picks than its own. A batch
// that would begin with it fails with its storage.RowError.
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

// fill picks a row for each empty slot of picks. Slots whose rows are gone stay empty; the batch is cut off before the
// first row that can't be read. It returns the age of the oldest row. The age of the index counts too while it is
// promised to be fresh, since it may miss rows added since.
func (s *Service[T]) fill(ctx context.Context, x *index[T], now time.Duration, picks []*row[T]) (
	filled []*row[T], age time.Duration, err error,
) {
	if age = now - x.epoch.checked; age >= MaxAge {
		age = 0
	}
	saved, missing := map[int64]bool{}, map[int64][]int{} // by id, the latter with its positions in picks
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

// firstUnreadable returns the first position of the row that err says can't be read, or 0 if err is about something
// else. It also returns 0 for a row in the first position, which stays an error.
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
// current index is too old to promise that no row is missed, or if picks from it found rows gone: misses of them, the
// last in the index whose epoch began at missed.
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

// Close stops background work. After that, a pick that needs a renewal fails.
func (s *Service[T]) Close() { s.end() }
