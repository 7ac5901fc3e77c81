package mongodb

import (
	"context"
	"fmt"
	"time"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// Any number of processes, which may stop at any point, count each fight exactly once without transactions:
//
//  1. Read the number of the last batch that is done. If the next batch is already frozen, continue with step 4.
//  2. Find fights without a mark. All fights of earlier batches are marked, since a batch is done only after its fights
//     are marked.
//  3. Freeze these fights, with their sums, as the next batch: a document whose id is the batch number, so that only
//     one process can freeze a batch with that number.
//  4. Confirm that the batch with this number isn't done. If it is done, another process has finished and removed it in
//     the meantime, and the batch that was frozen or found under its number must be discarded.
//  5. Raise the count of each winner and place in its document, and record this batch there, unless the document
//     already records this batch or a later one.
//  6. Mark the fights.
//  7. Finish: add the batch to the totals and set it as done, in one write.
//  8. Remove the frozen batch.
//
// Any process can repeat steps 5 to 8, even one that was held up for hours: the batch is frozen, and its number shows
// which steps were already done. So the batch number is the fencing token, and the frozen batch is the lease: the
// process that froze it works on it, and others take the batch over if there is no progress.

// documents lists the operations that the protocol needs from the database. An operation may change several documents,
// but is atomic only for each individual document. A failed operation may have been carried out partly, or may still be
// carried out later.
type documents interface {
	// done returns the number of the last batch included in the totals.
	done(ctx context.Context) (int64, error)
	// open returns the frozen batch with the given number, or nil if there is no such batch.
	open(ctx context.Context, number int64) (*batch, error)
	// uncounted returns a batch of unmarked fights, with the given number.
	uncounted(ctx context.Context, number int64) (*batch, error)
	// freeze stores the batch and returns true, or returns false if there is already a batch with its number.
	freeze(ctx context.Context, b *batch) (bool, error)
	// raise adds the counts of some of the batch's winners and places, beginning at position at, to their documents. It
	// skips a document that already records this batch or a later one. It returns the next position. The places'
	// positions follow the winners'.
	raise(ctx context.Context, b *batch, at int) (next int, err error)
	// mark marks some of the batch's fights with its number, beginning at position at, and returns the next position.
	mark(ctx context.Context, b *batch, at int) (next int, err error)
	// finish adds the batch to the totals and records it as the last batch done, provided that the last batch done so
	// far has the previous number.
	finish(ctx context.Context, b *batch) error
	// forget removes frozen batches up to the given number.
	forget(ctx context.Context, upTo int64) error
}

// batch is a set of fights that are counted together, in the form in which it is frozen. A batch must not be modified.
type batch struct {
	Number          int64 `bson:"_id"`
	Fights          []any `bson:"fights"` // ids of the fights
	statistics.Sums `bson:",inline"`
	Since           time.Time           `bson:"since,omitempty"`
	SetSince        bool                `bson:"set_since,omitempty"` // true for a correction, which sets Since instead of lowering it
	Winners         []statistics.Winner `bson:"winners"`
	Places          []statistics.Place  `bson:"places"`

	full       bool                // there may be more uncounted fights
	unreadable []*storage.RowError // errors of the unreadable fights; nil unless this process froze the batch
}

func newBatch(number int64, fights []any, tally *statistics.Tally) *batch {
	b := &batch{Number: number, Fights: fights, Sums: tally.Sums, Since: tally.Since}
	b.Winners, b.Places = tally.Lists()
	return b
}

// pass is one execution of the counting protocol.
type pass struct {
	db       documents
	leave    func(number int64) bool // reports whether to leave a frozen batch to the process that froze it
	batch    *batch                  // nil until a batch is confirmed
	raised   int                     // next position in the batch's winners and places
	marked   int                     // next position in the batch's fights
	progress statistics.Progress
}

// run counts one batch, if there are uncounted fights. After an error, it may be called again to resume a confirmed
// batch.
func (p *pass) run(ctx context.Context) error {
	if p.batch == nil {
		if err := p.claim(ctx); err != nil {
			return err
		}
	}
	if p.batch == nil {
		return nil
	}
	return p.carryOut(ctx)
}

// claim finds or freezes the next batch: steps 1 to 4.
func (p *pass) claim(ctx context.Context) error {
	done, err := p.db.done(ctx)
	if err != nil {
		return atStep("ask", err)
	}
	p.progress.Version = done
	found, err := p.db.open(ctx, done+1)
	if err != nil {
		return atStep("find", err)
	}
	if found != nil {
		if p.leave(done + 1) {
			p.progress.Waiting = true
			return nil
		}
		return p.confirm(ctx, found)
	}
	b, err := p.db.uncounted(ctx, done+1)
	if err != nil || len(b.Fights) == 0 {
		return atStep("look", err)
	}
	return p.freeze(ctx, b)
}

// freeze carries out steps 3 and 4.
func (p *pass) freeze(ctx context.Context, b *batch) error {
	ours, err := p.db.freeze(ctx, b)
	if err != nil {
		return atStep("freeze", err)
	}
	if !ours {
		p.progress.Waiting = true
		return nil
	}
	return p.confirm(ctx, b)
}

func (p *pass) confirm(ctx context.Context, b *batch) error {
	done, err := p.db.done(ctx)
	if err != nil {
		return atStep("confirm", err)
	}
	if done >= b.Number {
		p.progress.Version, p.progress.Waiting = done, true
		return nil
	}
	p.batch = b
	return nil
}

// carryOut carries out those of steps 5 to 8 that remain.
func (p *pass) carryOut(ctx context.Context) error {
	b := p.batch
	for p.raised < len(b.Winners)+len(b.Places) {
		next, err := p.db.raise(ctx, b, p.raised)
		if err != nil {
			return atStep("raise", err)
		}
		p.raised = next
	}
	for p.marked < len(b.Fights) {
		next, err := p.db.mark(ctx, b, p.marked)
		if err != nil {
			return atStep("mark", err)
		}
		p.marked = next
	}
	if err := p.db.finish(ctx, b); err != nil {
		return atStep("finish", err)
	}
	p.progress = statistics.Progress{Version: b.Number, Counted: len(b.Fights), More: b.full, Unreadable: b.unreadable}
	return atStep("forget", p.db.forget(ctx, b.Number))
}

// atStep adds the name of the protocol's step to an error.
func atStep(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("counting, at step %s: %w", name, err)
}
