package mongodb

import (
	"context"
	"testing"
)

// Each mutant breaks one rule of the counting protocol, and exploring the model finds a wrong state for every mutant.
func TestModelCatchesMutants(t *testing.T) {
	for name, mutate := range map[string]func(*steps) documents{
		"nothing is frozen":                          func(s *steps) documents { return freezesNothing{s} },
		"a frozen batch is overwritten":              func(s *steps) documents { return overwrites{s} },
		"a takeover selects the fights again":        func(s *steps) documents { return determinesAgain{s} },
		"raised without the guard":                   func(s *steps) documents { return raisesUnguarded{s} },
		"totals first, then done":                    func(s *steps) documents { return finishesAs{s, addTotals, setDone} },
		"done first, then totals":                    func(s *steps) documents { return finishesAs{s, setDone, (*world).addTotals} },
		"totals without the guard":                   func(s *steps) documents { return finishesAs{s, (*world).finish, nil} },
		"fights are marked after finishing":          func(s *steps) documents { return marksAfterFinish{s} },
		"fights are marked before freezing":          func(s *steps) documents { return marksBeforeFreeze{s} },
		"not confirmed after freezing":               func(s *steps) documents { return &unconfirmed{steps: s, frozen: true} },
		"not confirmed after finding":                func(s *steps) documents { return &unconfirmed{steps: s, found: true} },
		"fights are found before reading the number": func(s *steps) documents { return &looksFirst{steps: s} },
		"the batch is removed before finishing":      func(s *steps) documents { return forgetsBeforeFinish{s} },
		"all batches are removed":                    func(s *steps) documents { return forgetsAll{s} },
	} {
		t.Run(name, func(t *testing.T) {
			states := 0
			for _, m := range models() {
				e := newExplorer(m)
				e.mutate = mutate
				e.explore()
				states += len(e.visited)
				if e.fault != "" {
					t.Logf("the model found the mutant after %d states: %s", states, e.fault)
					return
				}
			}
			t.Errorf("the model did not find the mutant in %d states", states)
		})
	}
}

type freezesNothing struct{ *steps }

func (freezesNothing) freeze(context.Context, *batch) (bool, error) { return true, nil }

type overwrites struct{ *steps }

func (s overwrites) freeze(_ context.Context, b *batch) (bool, error) {
	return true, change(s.steps, func(w *world) { w.frozen[b.Number] = b })
}

type determinesAgain struct{ *steps }

func (s determinesAgain) open(ctx context.Context, number int64) (*batch, error) {
	if b, err := s.steps.open(ctx, number); b == nil || err != nil {
		return nil, err
	}
	return s.uncounted(ctx, number)
}

type raisesUnguarded struct{ *steps }

func (s raisesUnguarded) updates(b *batch) []command {
	return append(s.raises(b, false), s.marks(b)...)
}

// finishesAs replaces finish with one or two other steps.
type finishesAs struct {
	*steps
	first, second func(*world, *batch)
}

func (s finishesAs) finish(_ context.Context, b *batch) error {
	err := change(s.steps, func(w *world) { s.first(w, b) })
	if s.second == nil || err != nil {
		return err
	}
	return change(s.steps, func(w *world) { s.second(w, b) })
}

// addTotals and setDone each carry out half of finish, after checking the number of the last batch done.
func addTotals(w *world, b *batch) {
	if w.last == b.Number-1 {
		w.addTotals(b)
	}
}

func setDone(w *world, b *batch) {
	if w.last == b.Number-1 {
		w.last = b.Number
	}
}

type marksAfterFinish struct{ *steps }

func (s marksAfterFinish) updates(b *batch) []command { return s.raises(b, true) }

func (s marksAfterFinish) finish(ctx context.Context, b *batch) error {
	if err := s.steps.finish(ctx, b); err != nil {
		return err
	}
	return s.markAll(ctx, b)
}

func (s *steps) markAll(ctx context.Context, b *batch) error {
	for _, mark := range s.marks(b) {
		if err := mark(ctx); err != nil {
			return err
		}
	}
	return nil
}

type marksBeforeFreeze struct{ *steps }

func (s marksBeforeFreeze) updates(b *batch) []command { return s.raises(b, true) }

func (s marksBeforeFreeze) freeze(ctx context.Context, b *batch) (bool, error) {
	if err := s.markAll(ctx, b); err != nil {
		return false, err
	}
	return s.steps.freeze(ctx, b)
}

// unconfirmed skips the confirmation of batches that the counter froze, or of batches that it found.
type unconfirmed struct {
	*steps
	frozen, found bool
	number        int64 // number of the batch that is not confirmed, or 0
}

func (s *unconfirmed) done(ctx context.Context) (int64, error) {
	if s.number > 0 {
		return s.number - 1, nil
	}
	return s.steps.done(ctx)
}

func (s *unconfirmed) open(ctx context.Context, number int64) (*batch, error) {
	b, err := s.steps.open(ctx, number)
	if b != nil && s.found {
		s.number = number
	}
	return b, err
}

func (s *unconfirmed) freeze(ctx context.Context, b *batch) (bool, error) {
	ours, err := s.steps.freeze(ctx, b)
	if ours && s.frozen {
		s.number = b.Number
	}
	return ours, err
}

type looksFirst struct {
	*steps
	seen *batch
}

func (s *looksFirst) done(ctx context.Context) (done int64, err error) {
	if s.seen == nil {
		if s.seen, err = s.steps.uncounted(ctx, 0); err != nil {
			return 0, err
		}
	}
	return s.steps.done(ctx)
}

func (s *looksFirst) uncounted(_ context.Context, number int64) (*batch, error) {
	return s.batchOf(number, s.seen.Fights...), nil
}

type forgetsBeforeFinish struct{ *steps }

func (s forgetsBeforeFinish) finish(ctx context.Context, b *batch) error {
	if err := s.forget(ctx, b.Number); err != nil {
		return err
	}
	return s.steps.finish(ctx, b)
}

type forgetsAll struct{ *steps }

func (s forgetsAll) forget(context.Context, int64) error {
	return change(s.steps, func(w *world) { clear(w.frozen[:]) })
}
