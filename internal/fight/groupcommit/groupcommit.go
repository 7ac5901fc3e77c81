// Package groupcommit lets fights that are stored at the same time share one durable write.
//
// No goroutine waits for work. The first caller leads: it writes its own fight together with those that came
// meanwhile. When more have come by the end of that write, the one that waits longest leads next. A caller alone is
// its own leader and waits for nobody.
package groupcommit

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"superheroes/internal/fight"
)

// Document is a fight as a store keeps it.
type Document struct {
	ID    fight.ID
	Bytes []byte
}

// Write stores a batch and returns what became of each document, in their order: nil when it is durable, an error that
// wraps fight.ErrMaybeStored when that is open, any other when it was not stored. The documents are read only, and
// only until it returns. ctx is the batch's own: no caller's, and it ends after 4 s.
type Write func(ctx context.Context, batch []Document) []error

const (
	maxDocuments = 1000
	maxBytes     = 8 << 20
	// writeTime bounds a write. It is shorter than the usual deadline of a request, so that a leader can mostly write
	// by itself and be back in time.
	writeTime = 4 * time.Second
)

// Committer gathers concurrent inserts into batches, of which one is written at a time. The queue before it is as long
// as there are callers.
type Committer struct {
	write Write

	mu    sync.Mutex
	led   bool      // somebody leads; when nobody does, the queue is empty
	queue []*waiter // in no batch yet, in the order in which they came; who leads next is the first
}

// New returns a Committer that stores with write, which is never called concurrently.
func New(write Write) *Committer { return &Committer{write: write} }

// waiter is a caller of Insert.
type waiter struct {
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
// document is not stored and never will be; when it ends later, the error wraps fight.ErrMaybeStored.
func (c *Committer) Insert(ctx context.Context, document Document) error {
	if ctx.Err() != nil {
		return notBegun(ctx)
	}
	w := &waiter{document: document, news: make(chan milestone, 1)}
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

// join lines w up and tells whether it leads.
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.queue, w); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
		if w.leads {
			c.passOn()
		}
		return notBegun(ctx)
	}
	select {
	case <-w.news:
		return w.err
	default:
		return fmt.Errorf("%w: waiting for the write: %w", fight.ErrMaybeStored, context.Cause(ctx))
	}
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

// lead writes the next batch for the caller whose context is ctx. A write can't be left, so one that may last beyond
// the caller's deadline runs beside it. The batch is taken before that: from then on the leader is in it, and can't
// leave the queue, with the lead, to somebody else.
func (c *Committer) lead(ctx context.Context) {
	runtime.Gosched() // whoever is ready to run may join
	batch := c.take()
	if deadline, ends := ctx.Deadline(); ends && time.Until(deadline) < writeTime {
		go c.commit(batch)
		return
	}
	c.commit(batch)
}

// commit writes a batch, tells everybody in it what came of it, and passes the lead on.
func (c *Committer) commit(batch []*waiter) {
	errs := c.attempt(batch)
	for i, w := range batch {
		w.err = errs[i]
		w.news <- written
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passOn()
}

// take removes a batch from the queue: at least the first, and as many more as the limits allow.
func (c *Committer) take() []*waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, bytes := 1, len(c.queue[0].document.Bytes)
	for ; n < min(len(c.queue), maxDocuments); n++ {
		bytes += len(c.queue[n].document.Bytes)
		if bytes > maxBytes {
			break
		}
	}
	batch := c.queue[:n:n]
	c.queue = append(make([]*waiter, 0, len(c.queue)), c.queue[n:]...)
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
		err := fmt.Errorf("%w: the write panicked: %v", fight.ErrMaybeStored, cause)
		errs = slices.Repeat([]error{err}, len(batch))
		errs[0] = fmt.Errorf("%w\n%s", err, debug.Stack())
	}()
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	errs = c.write(ctx, documents)
	if len(errs) != len(batch) {
		panic(fmt.Sprintf("%d outcomes for %d documents", len(errs), len(batch)))
	}
	return errs
}
