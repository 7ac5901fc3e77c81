package fight

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Document is the stored form of a fight.
type Document struct {
	ID    ID
	Bytes []byte
}

// Write stores a batch and returns one result per document, in order: nil if the document is durable, an error that
// wraps ErrMaybeStored if that is uncertain, or any other error if it was not stored. It must not modify the
// documents or use them after it returns. ctx belongs to the batch, not to a caller: except with NewSingleCommitter, it
// expires a second before the last of the callers' deadlines, but not before 4 s have passed.
type Write func(ctx context.Context, batch []Document) []error

const (
	maxDocuments = 1000
	maxBytes     = 8 << 20
	// maxTurns is the maximum number of single writes that a leader performs, including its own. With 32 callers on 2
	// cores, a limit of 16 writes saves an eighth of the CPU time per fight and two thirds of the p99 latency; a limit
	// of 4 saves only a tenth.
	maxTurns = 16
	// A shared write may take until one sendTime before the latest of its callers' deadlines. It always gets at least
	// writeTime, which is just as long with the default deadline. So a leader can usually write in its own goroutine and still return in time, and a
	// service with a longer deadline also gives a slow store more time.
	writeTime = 4 * time.Second
	sendTime  = time.Second
)

// Committer collects concurrent inserts into batches, and writes one batch at a time. The documents of a batch share
// one durable write, or at least one goroutine that writes them. The length of the queue is limited only by the number
// of callers.
//
// There is no permanent writer goroutine. The first caller becomes the leader: it writes its own fight together with
// the fights queued in the meantime. If more fights are queued after that write, the caller that has waited longest
// becomes the next leader. A lone caller is its own leader and never waits.
//
// If each fight has its own write, the leader also performs the writes for some of the callers behind it in the queue,
// because waking another goroutine costs more than the insert itself.
type Committer struct {
	write  Write
	single bool // one write per document

	operations storage.Operations // traces the writes that several fights share

	mu    sync.Mutex
	led   bool      // there is a leader; without a leader, the queue is empty
	queue []*waiter // callers not in a batch yet, in order of arrival; the first is the next leader
}

// NewCommitter returns a Committer that stores batches with write, which is never called concurrently.
func NewCommitter(write Write) *Committer { return &Committer{write: write} }

// NewSingleCommitter returns a Committer that stores documents one by one, in order of arrival. write is never called
// concurrently. It gets the context passed to Insert, and Insert waits until write returns. Therefore, write must
// either respect the context or report whether the document was stored.
func NewSingleCommitter(write Write) *Committer { return &Committer{write: write, single: true} }

// waiter is a pending call to Insert.
type waiter struct {
	ctx        context.Context
	document   Document
	leads      bool                  // must write the next batch; guarded by the Committer's mutex
	milestones chan milestone        // buffered, so that sending never blocks
	err        error                 // the result, valid after written
	shared     telemetry.Traceparent // the span of the shared write, if there is one; valid after written
}

type milestone int

const (
	toLead milestone = iota
	written
)

// Insert returns after the fight's document has been written as part of a batch. If ctx ends before the write begins,
// the fight is not stored and never will be. If ctx ends later, the error wraps ErrMaybeStored, or is the error of a
// single write. document must not be modified.
func (c *Committer) Insert(ctx context.Context, f Fight, document []byte) error {
	if ctx.Err() != nil {
		return notBegun(ctx)
	}
	w := &waiter{ctx: ctx, document: Document{f.ID, document}, milestones: make(chan milestone, 1)}
	for leads := c.join(w); ; leads = true {
		if leads {
			runtime.Gosched() // lets runnable callers join
			batch := c.take() // includes w, so that leave can't dequeue w and appoint another leader
			if c.single || hasTime(ctx, limitOf(batch)) {
				c.commit(ctx, batch)
			} else { // a write can't be abandoned, and this one may outlast its leader's deadline
				go c.commit(ctx, batch)
			}
		}
		select {
		case told := <-w.milestones:
			if told == written {
				w.link()
				return w.err
			}
		case <-ctx.Done():
			return c.leave(ctx, w)
		}
		if ctx.Err() != nil {
			return c.leave(ctx, w)
		}
	}
}

// link links the caller's span to the span of the shared write, if there is one.
func (w *waiter) link() {
	if w.shared.TraceID != "" {
		telemetry.SpanOf(w.ctx).Link(w.shared)
	}
}

// join queues w and reports whether w is the leader.
func (c *Committer) join(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, w)
	w.leads = !c.led
	c.led = true
	return w.leads
}

// leave returns the result of w, whose context has ended. If w is still queued, leave removes it from the queue.
func (c *Committer) leave(ctx context.Context, w *waiter) error {
	if c.dequeue(w) {
		return notBegun(ctx)
	}
	if c.single { // the write uses the same context and will return soon
		<-w.milestones
		return w.err
	}
	select {
	case <-w.milestones:
		return w.err
	default:
		return fmt.Errorf("%w: waiting for the write: %w", ErrMaybeStored, context.Cause(ctx))
	}
}

// dequeue removes w from the queue and reports whether it was still queued.
func (c *Committer) dequeue(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.queue, w)
	if i < 0 {
		return false
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	if w.leads {
		c.passOn()
	}
	return true
}

func notBegun(ctx context.Context) error {
	return fmt.Errorf("waiting for earlier writes: %w", context.Cause(ctx))
}

// passOn makes the caller that has waited longest the leader. The caller holds the mutex.
func (c *Committer) passOn() {
	if len(c.queue) == 0 {
		c.led = false
		return
	}
	next := c.queue[0]
	next.leads = true
	next.milestones <- toLead
}

// limitOf returns the time limit of a shared write. It doesn't depend on which of the callers leads.
func limitOf(batch []*waiter) time.Duration {
	var last time.Time
	for _, w := range batch {
		if deadline, ends := w.ctx.Deadline(); ends && deadline.After(last) {
			last = deadline
		}
	}
	return max(writeTime, time.Until(last.Add(-sendTime)))
}

// hasTime reports whether a write with the given time limit would end before the deadline of ctx.
func hasTime(ctx context.Context, limit time.Duration) bool {
	deadline, ends := ctx.Deadline()
	return !ends || time.Until(deadline) >= limit
}

// commit writes a batch, or several single documents, on behalf of a leader with the given context, and then makes the
// next waiter the leader.
func (c *Committer) commit(ctx context.Context, batch []*waiter) {
	var span *telemetry.Span
	defer func() {
		if cause := recover(); cause != nil {
			errs := panicked(cause, len(batch))
			endWrite(span, errs)
			deliver(batch, errs)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.passOn()
	}()
	for turn := 1; batch != nil; turn++ {
		writing, cancel := c.limit(batch)
		writing, span = c.trace(writing, batch)
		errs := c.write(writing, documents(batch))
		cancel()
		if len(errs) != len(batch) {
			panic(fmt.Sprintf("%d outcomes for %d documents", len(errs), len(batch)))
		}
		endWrite(span, errs)
		deliver(batch, errs)
		batch = nil
		if c.single && turn < maxTurns && hasTime(ctx, writeTime) {
			batch = c.take()
		}
	}
}

// endWrite ends the span of a write that had the given results.
func endWrite(span *telemetry.Span, errs []error) {
	span.Fail(storage.FailureOf(cmp.Or(errs...)))
	span.End()
}

// Measure makes the Committer trace the writes that several fights share. engine is the engine's name in
// OpenTelemetry's semantic conventions. Call Measure before the first Insert.
func (c *Committer) Measure(m *telemetry.Metrics, engine, collection string) {
	c.operations.Measure(m, engine, collection)
}

// trace begins the span of a write that several fights share, if any of the fights is part of a sampled trace.
func (c *Committer) trace(ctx context.Context, batch []*waiter) (context.Context, *telemetry.Span) {
	if len(batch) < 2 || !c.operations.Traced() {
		return ctx, nil
	}
	var fights []telemetry.Traceparent
	for _, w := range batch {
		if span := telemetry.SpanOf(w.ctx); span != nil {
			fights = append(fights, span.Traceparent)
		}
	}
	ctx, span := c.operations.BeginShared(ctx, "INSERT", len(batch), fights)
	for _, w := range batch {
		w.shared = span.Context()
	}
	return ctx, span
}

func documents(batch []*waiter) []Document {
	documents := make([]Document, len(batch))
	for i, w := range batch {
		documents[i] = w.document
	}
	return documents
}

// deliver sends each waiter its result.
func deliver(batch []*waiter, errs []error) {
	for i, w := range batch {
		w.err = errs[i]
		w.milestones <- written
	}
}

// panicked returns the results of a write that panicked. Only the first result, the leader's, includes the stack.
func panicked(cause any, documents int) []error {
	err := fmt.Errorf("%w: the write panicked: %v", ErrMaybeStored, cause)
	errs := slices.Repeat([]error{err}, documents)
	errs[0] = fmt.Errorf("%w\n%s", err, debug.Stack())
	return errs
}

// take removes a batch from the queue: the first waiter and as many more as the limits allow. If the queue is empty,
// it returns nil.
func (c *Committer) take() []*waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	n, bytes := 1, len(c.queue[0].document.Bytes)
	for ; !c.single && n < min(len(c.queue), maxDocuments); n++ {
		bytes += len(c.queue[n].document.Bytes)
		if bytes > maxBytes {
			break
		}
	}
	batch := slices.Clone(c.queue[:n])
	c.queue = slices.Delete(c.queue, 0, n)
	return batch
}

// limit returns the context for a write.
func (c *Committer) limit(batch []*waiter) (context.Context, context.CancelFunc) {
	if c.single {
		return batch[0].ctx, func() {}
	}
	return context.WithTimeout(context.Background(), limitOf(batch))
}
