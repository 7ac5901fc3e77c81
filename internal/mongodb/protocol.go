package mongodb

import (
	"context"
	"errors"
	"fmt"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// documents lists the operations that the protocol needs from the database. Each method is one step, whose parts are
// atomic only per document. A step that fails may have been carried out partly, or may still be carried out later.
type documents interface {
	// done returns the number of the last batch included in the totals.
	done(ctx context.Context) (int64, error)
	// open returns the batch with the number, and whether it exists.
	open(ctx context.Context, number int64) (batch, bool, error)
	// uncounted returns some unmarked fights, as a batch with the number.
	uncounted(ctx context.Context, number int64) (batch, error)
	// freeze stores the batch, unless there is already one with its number; then it returns false.
	freeze(ctx context.Context, b batch) (bool, error)
	// raise adds one part of the batch to its own document, if the last batch recorded there has a lower number.
	raise(ctx context.Context, b batch, part int) error
	// mark marks one part of the batch's fights with its number.
	mark(ctx context.Context, b batch, part int) error
	// finish adds the batch to the totals and sets its number as done, if the previous number was the last one done.
	finish(ctx context.Context, b batch) error
	// forget removes the batches up to the number.
	forget(ctx context.Context, upTo int64) error
}

// batch is a set of fights counted together. It doesn't change once it is frozen.
type batch struct {
	number int64
	fights []any // their ids
	tally  *statistics.Tally
	// A correction sets the earliest date instead of lowering it.
	setSince bool
	// raises and marks are the numbers of parts of each kind.
	raises, marks int
	full          bool // there may be more fights
	// unreadable lists the fights that can't be read, as far as this process has seen them.
	unreadable []*storage.RowError
}

// pass is one run of the protocol. Any number of processes may run it at the same time, and stop anywhere:
//
//  1. Read which batch was the last one done, and check if the next one is already frozen. If so, continue at 4.
//  2. Find fights without a mark. All fights in earlier batches have one, since a batch is done only after that.
//  3. Freeze them and their sums as the next batch: a document whose id is the batch number, so that only one of
//     several processes succeeds.
//  4. Confirm that this number isn't done. If it is, the batch with that number was finished and removed meanwhile,
//     and whatever was frozen or found under it is meaningless.
//  5. Raise the number of each winner and place in its document, unless that records this batch or a later one;
//     record this batch.
//  6. Mark the fights.
//  7. Finish: add to the totals and set the batch as done, in one write.
//  8. Forget the batch.
//
// Steps 5 to 8 can be repeated by any process, even one that was held up for hours: they work on a frozen batch, and
// the number tells what was done before. So the number is the fencing token and the frozen batch is the lease: the
// process that froze it works on it, and others take it over if nothing happens.
type pass struct {
	db     documents
	rules  rules
	next   step
	number int64 // of the current batch
	batch  batch
	part   int
	leave  func(number int64) bool // reports whether to leave an open batch to the process that froze it
	result result
}

// step is one step of the protocol.
type step string

const (
	ask     step = "ask"
	find    step = "find"
	look    step = "look"
	freeze  step = "freeze"
	confirm step = "confirm"
	raise   step = "raise"
	mark    step = "mark"
	finish  step = "finish"
	forget  step = "forget"
	ended   step = "ended"
)

// result is the result of a pass.
type result struct {
	done    int64 // the last batch known to be done
	counted int   // fights
	full    bool  // there may be more
	waiting bool  // another process is working
	// unreadable lists the unreadable fights of the batch, if this process froze it.
	unreadable []*storage.RowError
}

// rules maps each step to its function, which returns the next step.
type rules map[step]func(context.Context, *pass) (step, error)

func protocol() rules {
	return rules{
		ask: askDone, find: findOpen, look: lookForFights, freeze: freezeBatch, confirm: confirmFrozen,
		raise: raiseParts, mark: markFights, finish: finishBatch, forget: forgetBatch,
	}
}

func newPass(db documents, leave func(number int64) bool) *pass {
	return &pass{db: db, rules: protocol(), next: ask, leave: leave}
}

// run takes steps until the pass has ended.
func (p *pass) run(ctx context.Context) (result, error) {
	for p.next != ended {
		if err := p.advance(ctx); err != nil {
			return p.result, err
		}
	}
	return p.result, nil
}

// advance takes one step. After an error, the same step is next.
func (p *pass) advance(ctx context.Context) error {
	next, err := p.rules[p.next](ctx, p)
	if err != nil {
		return fmt.Errorf("counting, at step %s: %w", p.next, err)
	}
	p.next = next
	return nil
}

// halfway reports whether the pass is working on a confirmed batch, so that it can be resumed at any time.
func (p *pass) halfway() bool { return p.next == raise || p.next == mark || p.next == finish }

func askDone(ctx context.Context, p *pass) (step, error) {
	done, err := p.db.done(ctx)
	p.result.done, p.number = done, done+1
	return find, err
}

func findOpen(ctx context.Context, p *pass) (step, error) {
	found, open, err := p.db.open(ctx, p.number)
	switch {
	case err != nil:
		return ended, err
	case !open:
		return look, nil
	case p.leave(p.number):
		p.result.waiting = true
		return ended, nil
	}
	p.batch = found
	p.batch.full = true // unknown
	return confirm, nil
}

func lookForFights(ctx context.Context, p *pass) (step, error) {
	found, err := p.db.uncounted(ctx, p.number)
	if err != nil || len(found.fights) == 0 {
		return ended, err
	}
	p.batch = found
	return freeze, nil
}

func freezeBatch(ctx context.Context, p *pass) (step, error) {
	ours, err := p.db.freeze(ctx, p.batch)
	if err != nil {
		return ended, err
	}
	if !ours {
		p.result.waiting = true
		return ended, nil
	}
	return confirm, nil
}

func confirmFrozen(ctx context.Context, p *pass) (step, error) {
	done, err := p.db.done(ctx)
	if err != nil {
		return ended, err
	}
	if done >= p.number {
		p.result.done, p.result.waiting = done, true
		return ended, nil
	}
	p.part = 0
	return raise, nil
}

func raiseParts(ctx context.Context, p *pass) (step, error) {
	if p.part == p.batch.raises {
		p.part = 0
		return mark, nil
	}
	if err := p.db.raise(ctx, p.batch, p.part); err != nil {
		return ended, err
	}
	p.part++
	return raise, nil
}

func markFights(ctx context.Context, p *pass) (step, error) {
	if p.part == p.batch.marks {
		return finish, nil
	}
	if err := p.db.mark(ctx, p.batch, p.part); err != nil {
		return ended, err
	}
	p.part++
	return mark, nil
}

func finishBatch(ctx context.Context, p *pass) (step, error) {
	if err := p.db.finish(ctx, p.batch); err != nil {
		return ended, err
	}
	p.result.done, p.result.counted, p.result.full, p.result.unreadable = p.number, len(p.batch.fights), p.batch.full, p.batch.unreadable
	return forget, nil
}

func forgetBatch(ctx context.Context, p *pass) (step, error) {
	return ended, p.db.forget(ctx, p.number)
}

// errNoState means that nothing has been counted yet.
var errNoState = errors.New("there are no statistics yet")
