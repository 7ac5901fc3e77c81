package mongodb

import (
	"context"
	"time"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// documents lists the operations by which any number of processes, which may stop at any point, count each fight
// exactly once without transactions. A process counts one batch of fights after another, with these steps for each:
//
//  1. done, to learn the number of the next batch, and open. If another process has frozen the batch, skip step 2.
//  2. uncounted and freeze. All fights of earlier batches are marked, since a batch is done only after its fights are
//     marked. Only one process can freeze a batch with that number.
//  3. done again, to confirm that the batch isn't done. If it is done, another process has finished and removed it in
//     the meantime, and the batch that was frozen or found under its number must be discarded.
//  4. updates, finish and forget.
//
// Any process can repeat step 4, even one that was held up for hours: the batch is frozen, and its number shows what
// was already done. So the batch number is the fencing token, and the frozen batch is the lease: the process that froze
// it works on it, and others take the batch over if there is no progress. A failed operation may have been carried out,
// or may still be carried out later.
type documents interface {
	// done returns the number of the last batch included in the totals.
	done(ctx context.Context) (int64, error)
	// open returns the frozen batch with the given number, or nil if there is no such batch.
	open(ctx context.Context, number int64) (*batch, error)
	// uncounted returns a batch of unmarked fights, with their sums and the given number.
	uncounted(ctx context.Context, number int64) (*batch, error)
	// freeze stores the batch and returns true, or returns false if there is already a batch with its number.
	freeze(ctx context.Context, b *batch) (bool, error)
	// updates returns commands that raise the count of each winner and place in its document, and record the batch
	// there, unless the document records this batch or a later one, and then mark the fights with the batch's number.
	// A command may change several documents; each change is atomic, but not the command.
	updates(b *batch) []command
	// finish adds the batch to the totals and sets it as done, in one write, if the previous batch is the last one done.
	finish(ctx context.Context, b *batch) error
	// forget removes frozen batches up to the given number.
	forget(ctx context.Context, upTo int64) error
}

type command func(context.Context) error

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

// counter counts batches. Its methods must not be called concurrently.
type counter struct {
	db      documents
	batch   *batch    // the batch being counted, once confirmed; nil if there is none
	pending []command // updates of the batch that have not succeeded yet
	begun   bool      // a run has succeeded
	seen    int64     // number of the last batch found that another process had frozen
}

// run counts one batch, if there are uncounted fights. After an error, the next run resumes a confirmed batch: on a
// slow server, counting a batch may take longer than a caller waits.
func (c *counter) run(ctx context.Context) (progress statistics.Progress, err error) {
	if c.batch == nil {
		progress, err = c.claim(ctx)
	}
	if c.batch != nil {
		progress, err = c.carryOut(ctx)
	}
	c.begun = c.begun || err == nil
	return progress, err
}

// claim carries out steps 1 to 3.
func (c *counter) claim(ctx context.Context) (statistics.Progress, error) {
	done, err := c.db.done(ctx)
	if err != nil {
		return statistics.Progress{}, err
	}
	waiting := statistics.Progress{Version: done, Waiting: true}
	b, err := c.db.open(ctx, done+1)
	if err != nil || b != nil && c.leave(b) {
		return waiting, err
	}
	if b != nil {
		return waiting, c.confirm(ctx, b)
	}
	b, err = c.db.uncounted(ctx, done+1)
	if err != nil || len(b.Fights) == 0 {
		return statistics.Progress{Version: done}, err
	}
	return waiting, c.freeze(ctx, b)
}

// leave reports whether to leave a frozen batch to the process that froze it: only when it is first found, since
// repeating its work does no harm. The first run leaves none, since this process often replaces one that died.
func (c *counter) leave(b *batch) bool {
	first := c.seen != b.Number
	c.seen = b.Number
	return first && c.begun
}

// freeze carries out steps 2 and 3 for a given batch.
func (c *counter) freeze(ctx context.Context, b *batch) error {
	if ours, err := c.db.freeze(ctx, b); err != nil || !ours {
		return err
	}
	return c.confirm(ctx, b)
}

func (c *counter) confirm(ctx context.Context, b *batch) error {
	done, err := c.db.done(ctx)
	if err == nil && done < b.Number {
		c.batch, c.pending = b, c.db.updates(b)
	}
	return err
}

// carryOut carries out what remains of step 4.
func (c *counter) carryOut(ctx context.Context) (progress statistics.Progress, err error) {
	b := c.batch
	for ; len(c.pending) > 0; c.pending = c.pending[1:] {
		if err := c.pending[0](ctx); err != nil {
			return progress, err
		}
	}
	if err := c.db.finish(ctx, b); err != nil {
		return progress, err
	}
	if err := c.db.forget(ctx, b.Number); err != nil {
		return progress, err
	}
	c.batch = nil
	return statistics.Progress{Version: b.Number, Counted: len(b.Fights), More: b.full, Unreadable: b.unreadable}, nil
}
