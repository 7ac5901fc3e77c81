package fight

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Document is a fight as a store keeps it.
type Document struct {
	ID    ID
	Bytes []byte
}

// Write stores a batch and returns what became of each document, in their order: nil when it is durable, an error that
// wraps ErrMaybeStored when that is open, any other when it was not stored. The documents are read only, and
// only until it returns. ctx is the batch's own: no caller's, and it ends after 4 s.
type Write func(ctx context.Context, batch []Document) []error

const (
	maxDocuments = 1000
	maxBytes     = 8 << 20
	// maxTurns is how many single writes a caller makes, its own among them. With 32 callers on 2 cores, 16 turns take an
	// eighth off the processor time of a fight and two thirds off the 99th percentile of its latency; 4 turns a tenth.
	maxTurns = 16
	// writeTime bounds a write. It is shorter than the usual deadline of a request, so that a leader can mostly write
	// by itself and be back in time.
	writeTime = 4 * time.Second
)

// Committer lets fights that are stored at the same time share one durable write, or else one writer: it gathers concurrent
// inserts into batches, of which one is written at a time. The queue before it is as long as there are callers.
//
// No goroutine waits for work. The first caller leads: it writes its own fight together with those that came
// meanwhile. When more have come by the end of that write, the one that waits longest leads next. A caller alone is
// its own leader and waits for nobody.
//
// Where each fight has a write of its own, the leader makes that of the next one, too, and so on for some more: handing
// over to a goroutine that sleeps costs more than the insert itself.
type Committer struct {
	write  Write
	single bool // each document has a write of its own

	mu    sync.Mutex
	led   bool      // somebody leads; when nobody does, the queue is empty
	queue []*waiter // in no batch yet, in the order in which they came; who leads next is the first
}

// NewCommitter returns a Committer that stores batches with write, which is never called concurrently.
func NewCommitter(write Write) *Committer { return &Committer{write: write} }

// NewSingleCommitter returns a Committer that stores each document by itself, in the order in which they come. write is never called
// concurrently, and with the context of the document's caller, who waits for its end: it must heed that, or know in the
// end what became of the document.
func NewSingleCommitter(write Write) *Committer { return &Committer{write: write, single: true} }

// waiter is a caller of Insert.
type waiter struct {
	ctx      context.Context
	document Document
	leads    bool           // is to write the next batch; guarded by the Committer's mutex
	news     chan milestone // has room for one, so that whoever tells waits for nobody
	err      error          // what became of the document, once that is told
}

type milestone int

const (
	toLead milestone = iota
	written
)

// Insert returns when the document has been written as part of a batch. When ctx ends before that batch is begun, the
// document is not stored and never will be; when it ends later, the error wraps ErrMaybeStored, or is that of a
// single write.
func (c *Committer) Insert(ctx context.Context, document Document) error {
	if ctx.Err() != nil {
		return notBegun(ctx)
	}
	w := &waiter{ctx: ctx, document: document, news: make(chan milestone, 1)}
	if c.join(w) {
		c.lead(ctx)
	}
	for {
		select {
		case told := <-w.news:
			switch {
			case told == written:
				return w.err
			case ctx.Err() != nil:
				return c.leave(ctx, w)
			}
			c.lead(ctx)
		case <-ctx.Done():
			return c.leave(ctx, w)
		}
	}
}

// join lines w up and reports whether it leads.
func (c *Committer) join(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, w)
	w.leads = !c.led
	c.led = true
	return w.leads
}

// leave ends the wait of w, whose time is up.
func (c *Committer) leave(ctx context.Context, w *waiter) error {
	if c.unqueue(w) {
		return notBegun(ctx)
	}
	if c.single { // its write heeds the same context
		<-w.news
		return w.err
	}
	select {
	case <-w.news:
		return w.err
	default:
		return fmt.Errorf("%w: waiting for the write: %w", ErrMaybeStored, context.Cause(ctx))
	}
}

// unqueue removes w from the queue, unless it has been taken from there.
func (c *Committer) unqueue(w *waiter) bool {
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
	return fmt.Errorf("waiting for the writes before: %w", context.Cause(ctx))
}

// passOn makes the one that waits longest the leader. The mutex is held.
func (c *Committer) passOn() {
	if len(c.queue) == 0 {
		c.led = false
		return
	}
	next := c.queue[0]
	next.leads = true
	next.news <- toLead
}

// lead writes the next batch for the caller whose context is ctx, or some single documents. The batch is taken first:
// from then on the leader is in it, and can't leave the queue, with the lead, to somebody else.
func (c *Committer) lead(ctx context.Context) {
	runtime.Gosched() // whoever is ready to run may join
	batch := c.take()
	switch {
	case c.single:
		defer c.handOver()
		c.commit(batch)
		for turn := 1; turn < maxTurns && hasTime(ctx); turn++ {
			if batch = c.take(); batch == nil {
				break
			}
			c.commit(batch)
		}
	case hasTime(ctx):
		defer c.handOver()
		c.commit(batch)
	default: // a write can't be left: this one may last longer than its leader can stay
		go func() {
			defer c.handOver()
			c.commit(batch)
		}()
	}
}

// hasTime reports whether a write surely ends before the deadline of ctx.
func hasTime(ctx context.Context) bool {
	deadline, ends := ctx.Deadline()
	return !ends || time.Until(deadline) >= writeTime
}

// commit writes a batch and tells everybody in it what came of it.
func (c *Committer) commit(batch []*waiter) {
	errs := c.attempt(batch)
	for i, w := range batch {
		w.err = errs[i]
		w.news <- written
	}
}

func (c *Committer) handOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passOn()
}

// take removes a batch from the queue: at least the first, and as many more as the limits allow; nil when it is empty.
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

// attempt writes the batch. A panic in it is everybody's error; the first one, the leader's, has the stack.
func (c *Committer) attempt(batch []*waiter) (errs []error) {
	documents := make([]Document, len(batch))
	for i, w := range batch {
		documents[i] = w.document
	}
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		err := fmt.Errorf("%w: the write panicked: %v", ErrMaybeStored, cause)
		errs = slices.Repeat([]error{err}, len(batch))
		errs[0] = fmt.Errorf("%w\n%s", err, debug.Stack())
	}()
	ctx, cancel := c.limit(batch)
	defer cancel()
	errs = c.write(ctx, documents)
	if len(errs) != len(batch) {
		panic(fmt.Sprintf("%d outcomes for %d documents", len(errs), len(batch)))
	}
	return errs
}

// limit returns the context of a write.
func (c *Committer) limit(batch []*waiter) (context.Context, context.CancelFunc) {
	if c.single {
		return batch[0].ctx, func() {}
	}
	return context.WithTimeout(context.Background(), writeTime)
}
