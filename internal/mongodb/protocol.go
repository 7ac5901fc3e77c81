package mongodb

import (
	"context"
	"errors"
	"fmt"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// documents is what the protocol needs of the database. Each method is one step, of which every part is atomic for one
// document only; a step that fails may have been carried out, in part or later.
type documents interface {
	// done returns the number of the last batch that is in the totals.
	done(ctx context.Context) (int64, error)
	// open returns the batch with that number, and whether there is one.
	open(ctx context.Context, number int64) (batch, bool, error)
	// uncounted returns some fights without a mark, as a batch with that number.
	uncounted(ctx context.Context, number int64) (batch, error)
	// freeze keeps the batch, unless there is one with its number; then it returns false.
	freeze(ctx context.Context, b batch) (bool, error)
	// raise adds one part of the batch to its own document, if a batch with a lower number was the last one there.
	raise(ctx context.Context, b batch, part int) error
	// mark marks one part of the batch's fights with its number.
	mark(ctx context.Context, b batch, part int) error
	// finish adds the batch to the totals and its number to what is done, if the one before was the last one.
	finish(ctx context.Context, b batch) error
	// forget removes the batches up to that number.
	forget(ctx context.Context, upTo int64) error
}

// batch is what is counted together. It does not change once it is frozen.
type batch struct {
	number int64
	fights []any // the ids
	tally  *statistics.Tally
	// What a correction sets, in place of the earliest date.
	setSince bool
	// raises and marks are how many parts each takes.
	raises, marks int
	full          bool // there may be more fights than these
	// unreadable are those of the fights that can't be read, as far as this process has seen them.
	unreadable []*storage.RowError
}

// pass is one go at the protocol, which any number of processes may make at the same time, and end anywhere:
//
//  1. Ask which batch was the last one done, and find out whether the next one is frozen already: then go on at 4.
//  2. Look for fights without a mark. All that are in batches so far have theirs: a batch is done only after that.
//  3. Freeze them, and the sums of them, as the next batch: a document of its own whose id is the number, so that of
//     several processes one succeeds.
//  4. Confirm that this number isn't done. If it is, the batch that had it was done and removed meanwhile, and what was
//     frozen or found under it now means nothing.
//  5. Raise each winner's and each place's number in its own document, if the batch noted there is lower; note this one.
//  6. Mark the fights.
//  7. Finish: add the totals and note the batch as done, in one write.
//  8. Forget the batch.
//
// Each of 5 to 8 can be repeated, by anybody, also by one who was held up for hours: what it works on is frozen, and
// what was done before is recognised by the number. So the number is the fencing number, and the frozen batch is the
// lease: whoever froze it works on it, and others take it over when nothing happens.
type pass struct {
	db     documents
	rules  rules
	next   step
	number int64 // of the batch that this is about
	batch  batch
	part   int
	leave  func(number int64) bool // tells whether a batch that is open shall be left to who froze it
	result result
}

// step is one of those above.
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

// result is what came of a pass.
type result struct {
	done    int64 // the last batch that is known to be done
	counted int   // fights
	full    bool  // there may be more
	waiting bool  // another process is at work
	// unreadable are those of the fights that can't be read and that this process has frozen.
	unreadable []*storage.RowError
}

// rules are how each step is done; it returns the next one.
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

// run takes the steps until the pass has ended.
func (p *pass) run(ctx context.Context) (result, error) {
	for p.next != ended {
		if err := p.advance(ctx); err != nil {
			return p.result, err
		}
	}
	return p.result, nil
}

// advance takes one step. After an error the same one is next.
func (p *pass) advance(ctx context.Context) error {
	next, err := p.rules[p.next](ctx, p)
	if err != nil {
		return fmt.Errorf("counting, at step %s: %w", p.next, err)
	}
	p.next = next
	return nil
}

// halfway tells whether the pass is at a frozen batch, which it may go on with whenever it likes.
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
	p.batch.full = true // nobody knows
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

// errNoState means that nothing was counted here yet.
var errNoState = errors.New("there are no statistics yet")
