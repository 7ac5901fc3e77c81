package remote

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
)

const (
	// supply is for how long a batch is to last. With half of MaxAge, up to which a snapshot under load grows, most of
	// the picks are used before they are too old.
	supply = catalog.MaxAge / 4
	// singleTime is for how long a peer that knows no batches is asked for single picks before a batch is tried again.
	// The trial costs nothing: what such a peer answers is a pick.
	singleTime = time.Minute
)

// Batches picks like the Client that it asks, with one request for many picks. It may be used concurrently.
//
// No goroutine waits for work: a caller who finds no pick has one fetch a batch, which those who come meanwhile share.
// A batch is as large as what is used in a quarter of a second, and at most twice what was used since the last: at low rates
// there is one pick per request, and never more prefetched than was used. Each pick is used once.
//
// A pick is thrown away when it gets older than MaxAge: the age that the peer states, and the time since the request
// was sent. Whether that happens depends on when a pick came and not on what it is, and so does the order in which picks
// are used: those that are used are as evenly distributed as those that came. Callers who waited before the request was
// sent get their picks however long the answer took, as they would from a Client: throwing them away would have a slow peer
// asked again and again.
type Batches[T catalog.Item] struct {
	client *Client[T]
	log    *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	picks   []T       // that nobody has used
	expires time.Time // when they are too old
	used    int       // picks since the last request was sent
	sent    time.Time // when that was
	single  time.Time // until when the peer is asked for single picks
	warned  bool      // of that
	coming  bool      // a goroutine is about to send what waits in the queue
	flying  *batch[T] // the last request sent, nil when it has been answered
	queue   []*batch[T]
	watcher *time.Timer // for the queue; nil until it is needed
}

// NewBatches returns Batches that ask through client.
func NewBatches[T catalog.Item](client *Client[T], log *slog.Logger) *Batches[T] {
	return &Batches[T]{client: client, log: log, now: time.Now}
}

// Ready returns a pick that has come and that nobody has used: fight.Source.
func (b *Batches[T]) Ready() (item T, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept(b.now())
}

// Refusal implements fight.Refuser.
func (b *Batches[T]) Refusal() error {
	err := b.client.Refusal()
	if err == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.picks) > 0 && b.now().Before(b.expires) {
		return nil
	}
	return err
}

// kept takes one of the picks, unless they are too old. The mutex is held.
func (b *Batches[T]) kept(now time.Time) (item T, ok bool) {
	last := len(b.picks) - 1
	if last < 0 || !now.Before(b.expires) {
		b.picks = nil
		return item, false
	}
	item, b.picks = b.picks[last], b.picks[:last]
	b.used++
	return item, true
}

// Random picks one item: fight.Source. It fails as Client.Random does.
func (b *Batches[T]) Random(ctx context.Context) (item T, err error) {
	for begin := time.Now(); ; {
		item, joined, place := b.take(ctx)
		switch place {
		case used:
			return item, nil
		case alone:
			return b.client.Random(ctx)
		case refused:
			return item, fight.ErrOpen
		}
		select {
		case <-joined.done:
		case <-ctx.Done():
			b.leave(joined)
			return item, b.client.calls.gaveUp(ctx, begin)
		}
		if joined.err != nil {
			return item, joined.err
		}
		if place < len(joined.items) && (place < joined.early || b.now().Before(joined.expires)) {
			return joined.items[place], nil
		}
	}
}

// What take returns in place of a place.
const (
	used    = -1 // the pick is there
	alone   = -2 // the peer knows no batches
	refused = -3 // the circuit breaker is open
)

// take returns a pick, or else a place in a batch.
func (b *Batches[T]) take(ctx context.Context) (item T, joined *batch[T], place int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if item, ok := b.kept(now); ok {
		return item, nil, used
	}
	if b.client.calls.breaker.refuses() {
		return item, nil, refused
	}
	if now.Before(b.single) {
		return item, nil, alone
	}
	joined = b.place(ctx, now)
	joined.joined++
	joined.waiting++
	b.used++
	return item, joined, joined.joined - 1
}

// place returns a batch with a free place: the one under way, or one that will be asked for after it. The mutex is held.
func (b *Batches[T]) place(ctx context.Context, now time.Time) *batch[T] {
	late := b.late(now)
	if f := b.flying; f != nil && f.hasPlace(f.size) && !late {
		return f
	}
	if last := len(b.queue) - 1; last >= 0 && b.queue[last].hasPlace(catalog.MaxBatch) {
		return b.queue[last]
	}
	added := newBatch[T](ctx)
	b.queue = append(b.queue, added)
	if b.flying == nil || late {
		b.come()
	} else {
		b.watch(now)
	}
	return added
}

// come has a goroutine send what waits in the queue. The mutex is held.
func (b *Batches[T]) come() {
	if !b.coming {
		b.coming = true
		go b.fetch()
	}
}

// late reports whether the request under way has taken so long that nobody should wait for it who needn't: one connection
// that hangs must not hold up everybody. The mutex is held.
func (b *Batches[T]) late(now time.Time) bool { return !now.Before(b.sent.Add(supply)) }

// watch has the queue overtake the request under way when that is late. The mutex is held.
func (b *Batches[T]) watch(now time.Time) {
	left := b.sent.Add(supply).Sub(now)
	if b.watcher == nil {
		b.watcher = time.AfterFunc(left, b.overtake)
		return
	}
	b.watcher.Reset(left)
}

func (b *Batches[T]) overtake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	switch {
	case len(b.queue) == 0:
	case b.flying == nil || b.late(now):
		b.come()
	default:
		b.watch(now)
	}
}

// leave gives up a place.
func (b *Batches[T]) leave(left *batch[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left.waiting--
}

// fetch asks for one batch after the other for as long as somebody waits for one.
func (b *Batches[T]) fetch() {
	for {
		runtime.Gosched() // whoever is ready to run may join
		batch, sent := b.send()
		if batch == nil {
			return
		}
		items, age, err := b.ask(batch)
		b.deliver(batch, items, sent.Add(catalog.MaxAge-age), err)
	}
}

// send takes the next batch and decides on its size; nil when nobody waits.
func (b *Batches[T]) send() (next *batch[T], now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.coming = false
	now = b.now()
	for len(b.queue) > 0 {
		next, b.queue = b.queue[0], b.queue[1:]
		if next.waiting == 0 {
			continue
		}
		next.early, next.size = next.joined, min(max(next.joined, b.demand(now)), catalog.MaxBatch)
		b.flying, b.used, b.sent = next, 0, now
		if len(b.queue) > 0 {
			b.watch(now) // this one may hang, too
		} else if b.watcher != nil {
			b.watcher.Stop()
		}
		return next, now
	}
	return nil, now
}

// demand is how many picks a batch should have, going by those used since the last request was sent.
func (b *Batches[T]) demand(now time.Time) int {
	since := max(now.Sub(b.sent), time.Millisecond)
	return min(int(int64(b.used)*int64(supply)/int64(since)), 2*b.used)
}

// ask sends the request of a batch. One pick is asked for as a Client asks for it.
func (b *Batches[T]) ask(batch *batch[T]) (items []T, age time.Duration, err error) {
	deadline := batch.deadline
	if batch.size > 1 { // for several callers
		deadline = time.Now().Add(b.client.read)
	}
	err = b.client.calls.doLonger(batch.ctx, deadline, func(ctx context.Context) error {
		if batch.size > 1 {
			items, age, err = b.client.many(ctx, batch.size, deadline)
			return err
		}
		item, err := b.client.one(ctx, deadline)
		items, age = []T{item}, catalog.MaxAge
		return err
	})
	return items, age, err
}

// deliver hands out what has come of a batch. What nobody has a place for is kept.
func (b *Batches[T]) deliver(batch *batch[T], items []T, expires time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.flying == batch {
		b.flying = nil
	}
	b.coming = true // it is back
	if errors.Is(err, errNoBatches) {
		b.alone()
		err = nil
	}
	batch.items, batch.expires, batch.err = items, expires, err
	close(batch.done)
	if err == nil && len(items) > batch.joined {
		b.picks, b.expires = items[batch.joined:], expires
	}
}

// alone has the peer asked for single picks for a while. The mutex is held.
func (b *Batches[T]) alone() {
	b.single = b.now().Add(singleTime)
	if !b.warned {
		b.log.Warn("the peer does not support batches of picks; asking for single picks", "peer", b.client.peer)
	}
	b.warned = true
}
