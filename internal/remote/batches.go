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
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

const (
	// supply is how long a batch of picks should last. Under load, picks may be as old as half of MaxAge when they
	// arrive. If a batch lasts for another quarter of MaxAge, most of its picks are used before they expire.
	supply = catalog.MaxAge / 4
	// singleTime is how long to request only single picks from a peer that doesn't support batches, before requesting a
	// batch again. Requesting a batch again is cheap: many peers that don't support batches respond with a single pick.
	singleTime = time.Minute
)

// Batches picks items through a Client, but requests many picks at a time. It is safe for concurrent use.
//
// There is no permanent goroutine: a caller that finds no stored pick starts fetching a batch, and callers that arrive
// in the meantime share it. A batch covers the expected demand for a quarter of a second, but has at most twice as many
// picks as were used since the last request. At low rates, each request is therefore for one pick. Each pick is used
// once.
//
// A pick is discarded when it is older than MaxAge. A pick's age is the age stated by the peer plus the time since the
// request was sent. Which picks are used, and in which order, depends only on when they arrived, not on their content,
// so the used picks have the same distribution as the received ones. Callers that joined before the request was sent
// get their picks however long the response took, as with a Client. If a slow response were discarded, callers would
// send the same request again and again.
type Batches[T catalog.Item] struct {
	client *Client[T]
	log    *slog.Logger
	now    func() time.Time

	mu          sync.Mutex
	picks       []T       // not used yet
	expires     time.Time // when the stored picks become too old
	used        int       // number of picks used since the last request was sent
	sent        time.Time // when the last request was sent
	singleUntil time.Time // until this time, only single picks are requested
	warned      bool      // the switch to single picks has been logged
	fetching    bool      // a goroutine is about to send the next batch from the queue
	inFlight    *batch[T] // the last request sent; nil after its response
	queue       []*batch[T]
	sizes       *telemetry.Histogram
	watcher     *time.Timer // sends the queue if the request in flight is overdue; nil until first needed
}

// batch is one request for picks and the callers that wait for it. Until done is closed, the batch is guarded by the
// mutex of Batches.
//
// No caller owns the batch: each caller stops waiting at its own deadline, and the request continues until the per-call
// timeout. Picks that no caller is waiting for are stored for later callers.
type batch[T any] struct {
	ctx      context.Context // carries the values of the first caller's context
	deadline time.Time       // the first caller's deadline

	size    int                     // number of picks requested; 0 until the request is sent
	joined  int                     // callers that have joined
	early   int                     // callers that joined before the request was sent
	traced  []telemetry.Traceparent // the sampled spans of these callers
	waiting int                     // callers that are still waiting

	done    chan struct{} // closed when the request has ended, after the fields below are set
	items   []T
	expires time.Time
	err     error
	span    telemetry.Traceparent // of the request for several picks
}

// NewBatches returns Batches that send requests through client.
func NewBatches[T catalog.Item](client *Client[T], log *slog.Logger) *Batches[T] {
	sizes := telemetry.NewHistogram(telemetry.PickBatchSize)
	return &Batches[T]{client: client, log: log, now: time.Now, sizes: sizes}
}

// Measure adds the metrics of the batches and of the client.
func (b *Batches[T]) Measure(m *telemetry.Metrics) {
	b.client.Measure(m)
	m.Histogram(b.sizes, b.client.peer)
}

// Ready implements fight.Source: it returns an unused pick if there is one.
func (b *Batches[T]) Ready() (item T, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.takeStored(b.now())
}

// Refusal implements fight.Refuser.
func (b *Batches[T]) Refusal() error {
	if !b.client.calls.breaker.refuses() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.picks) > 0 && b.now().Before(b.expires) {
		return nil
	}
	return b.client.Refusal()
}

// takeStored takes a stored pick, unless the stored picks are too old. The caller holds the mutex.
func (b *Batches[T]) takeStored(now time.Time) (item T, ok bool) {
	last := len(b.picks) - 1
	if last < 0 || !now.Before(b.expires) {
		b.picks = nil
		return item, false
	}
	item, b.picks = b.picks[last], b.picks[:last]
	b.used++
	return item, true
}

// Random implements fight.Source. It fails like Client.Random.
func (b *Batches[T]) Random(ctx context.Context) (item T, err error) {
	for begin := time.Now(); ; {
		item, joined, place, err := b.take(ctx)
		switch {
		case errors.Is(err, errNoBatches):
			return b.client.Random(ctx)
		case joined == nil:
			return item, err
		}
		_, wait := b.client.observed.tracer.Start(ctx, "", telemetry.InternalSpan)
		select {
		case <-joined.done:
			if joined.size > 1 { // otherwise, the request has a span in the caller's trace
				b.waited(wait, joined.span, "")
			}
		case <-ctx.Done():
			b.leave(joined)
			b.waited(wait, telemetry.Traceparent{}, storage.FailureOf(ctx.Err()))
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

// waited ends the span of a caller's wait for a batch, and links it to the batch's span. If the caller has
// given up, the span has a failure instead.
func (b *Batches[T]) waited(wait *telemetry.Span, batch telemetry.Traceparent, failure string) {
	if wait != nil {
		wait.Name = "wait for picks of " + b.client.peer
		wait.Link(batch)
		wait.Fail(failure)
		wait.End()
	}
}

// take returns a stored pick, or joins a batch and returns the caller's position in it. take fails with fight.ErrOpen
// if the circuit breaker is open, and with errNoBatches if the caller must request a single pick.
func (b *Batches[T]) take(ctx context.Context) (item T, joined *batch[T], place int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if item, ok := b.takeStored(now); ok {
		return item, nil, 0, nil
	}
	if b.client.calls.breaker.rejects() {
		return item, nil, 0, fight.ErrOpen
	}
	if now.Before(b.singleUntil) {
		return item, nil, 0, errNoBatches
	}
	joined = b.joinable(ctx, now)
	joined.joined++
	joined.waiting++
	if b.client.observed.tracer != nil && joined.size == 0 {
		joined.add(telemetry.SpanOf(ctx))
	}
	b.used++
	return item, joined, joined.joined - 1, nil
}

// joinable returns a batch that a caller can join: the batch in flight, or one that will be requested after it. The
// caller holds the mutex.
func (b *Batches[T]) joinable(ctx context.Context, now time.Time) *batch[T] {
	overdue := b.overdue(now)
	if f := b.inFlight; f != nil && f.joined < f.size && !overdue {
		return f
	}
	if last := len(b.queue) - 1; last >= 0 && b.queue[last].joined < catalog.MaxBatch {
		return b.queue[last]
	}
	added := &batch[T]{ctx: context.WithoutCancel(ctx), done: make(chan struct{})}
	added.deadline, _ = ctx.Deadline()
	b.queue = append(b.queue, added)
	if b.inFlight == nil || overdue {
		b.startFetch()
	} else {
		b.watch(now)
	}
	return added
}

// startFetch starts a goroutine that sends the queued batches. The caller holds the mutex.
func (b *Batches[T]) startFetch() {
	if !b.fetching {
		b.fetching = true
		go b.fetch()
	}
}

// overdue reports whether the request in flight has taken so long that new callers shouldn't join it: one stuck
// connection must not hold up everyone. The caller holds the mutex.
func (b *Batches[T]) overdue(now time.Time) bool { return !now.Before(b.sent.Add(supply)) }

// watch arranges for the queue to be sent once the request in flight is overdue. The caller holds the mutex.
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
	case b.inFlight == nil || b.overdue(now):
		b.startFetch()
	default:
		b.watch(now)
	}
}

// add adds the span of a caller that has joined before the request is sent. The caller holds the mutex of Batches.
func (b *batch[T]) add(caller *telemetry.Span) {
	if caller != nil {
		b.traced = append(b.traced, caller.Traceparent)
	}
}

// leave records that a caller is no longer waiting for a batch.
func (b *Batches[T]) leave(left *batch[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left.waiting--
}

// fetch requests batches until no caller is waiting for one.
func (b *Batches[T]) fetch() {
	for {
		runtime.Gosched() // let callers that are ready to run join the batch
		batch, sent := b.send()
		if batch == nil {
			return
		}
		items, age, err := b.request(batch)
		b.deliver(batch, items, sent.Add(catalog.MaxAge-age), err)
	}
}

// send removes the next batch from the queue and sets its size. It returns nil if no caller is waiting.
func (b *Batches[T]) send() (next *batch[T], now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fetching = false
	now = b.now()
	for len(b.queue) > 0 {
		next, b.queue = b.queue[0], b.queue[1:]
		if next.waiting == 0 {
			continue
		}
		next.early, next.size = next.joined, min(max(next.joined, b.demand(now)), catalog.MaxBatch)
		b.inFlight, b.used, b.sent = next, 0, now
		b.sizes.Observe(int64(next.size))
		if len(b.queue) > 0 {
			b.watch(now) // this request may get stuck as well
		} else if b.watcher != nil {
			b.watcher.Stop()
		}
		return next, now
	}
	return nil, now
}

// demand returns the number of picks to request in a batch, based on the picks used since the last request was sent.
func (b *Batches[T]) demand(now time.Time) int {
	since := max(now.Sub(b.sent), time.Millisecond)
	return min(int(int64(b.used)*int64(supply)/int64(since)), 2*b.used)
}

// request sends a batch's request to the peer. A single pick is requested in the same way as in Client.Random.
func (b *Batches[T]) request(batch *batch[T]) (items []T, age time.Duration, err error) {
	ctx, deadline := batch.ctx, batch.deadline
	if batch.size > 1 { // shared by several callers
		deadline = time.Now().Add(b.client.read)
		var span *telemetry.Span
		ctx, span = b.client.observed.tracer.Shared(ctx, "request picks of "+b.client.peer, telemetry.InternalSpan, batch.traced)
		span.Set(slog.Int("superheroes.pick.batch.size", batch.size))
		defer func() {
			if err != nil && !errors.Is(err, errNoBatches) {
				span.Fail("_OTHER") // the span of the call says which kind of failure
			}
			span.End()
		}()
		batch.span = span.Context()
	}
	err = b.client.calls.doLonger(ctx, deadline, func(ctx context.Context) error {
		if batch.size > 1 {
			items, age, err = b.client.pickMany(ctx, batch.size, deadline)
			return err
		}
		item, err := b.client.pickOne(ctx, deadline)
		items, age = []T{item}, catalog.MaxAge
		return err
	})
	return items, age, err
}

// deliver publishes the result of a batch, and stores the picks that are left over.
func (b *Batches[T]) deliver(batch *batch[T], items []T, expires time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inFlight == batch {
		b.inFlight = nil
	}
	b.fetching = true // fetch continues with the next batch
	if errors.Is(err, errNoBatches) {
		b.switchToSingle()
		err = nil
	}
	batch.items, batch.expires, batch.err = items, expires, err
	close(batch.done)
	if err == nil && len(items) > batch.joined {
		b.picks, b.expires = items[batch.joined:], expires
	}
}

// switchToSingle switches to single picks for singleTime. The caller holds the mutex.
func (b *Batches[T]) switchToSingle() {
	b.singleUntil = b.now().Add(singleTime)
	if !b.warned {
		b.log.Warn("the peer does not support batches of picks; asking for single picks", "peer", b.client.peer)
	}
	b.warned = true
}
