package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/statistics"
)

// The model runs the counting protocol on in-memory documents. Two processes that count, called counters, take their
// steps in every possible order, and each may be killed and restarted between any two steps. In the model with a ghost,
// a killed counter's next step may be carried out later, as if the network had delayed the command. Fights are stored
// at any time and in any order of ids. In the model, no counter ever waits for another to finish its batch, so every
// order of steps that a lease would permit is covered. The test visits every reachable state.
type model struct {
	fights int
	most   int // maximum number of fights in a batch
	ghost  bool
}

func models() map[string]model {
	return map[string]model{"three fights": {3, 2, false}, "two fights, with a ghost": {2, 1, true}}
}

const maxFights, maxBatches = 3, 8

// modelFights returns the fights to be stored. The third winner has the same name as the first, but belongs to the
// other team.
func modelFights() [maxFights]fight.Outcome {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	return [maxFights]fight.Outcome{
		{Date: at.Add(time.Hour), Winner: "Yoda", Team: fight.Heroes, Place: "Gotham City"},
		{Date: at, Winner: "Yoda", Team: fight.Heroes},
		{Date: at.Add(time.Minute), Winner: "Yoda", Team: fight.Villains, Place: "Gotham City"},
	}
}

// world is an in-memory database. Two worlds in the same state compare equal.
type world struct {
	stored [maxFights]bool
	marks  [maxFights]int64 // 0 for unmarked fights
	last   int64            // number of the last batch done
	totals statistics.Sums
	since  time.Time
	frozen [maxBatches]*batch // frozen batches by number
	counts [maxFights]count   // see countsOf
}

type count struct{ n, batch int64 }

// countsOf returns the number of fights of each winner and each place in a batch.
func countsOf(b *batch) (counts [maxFights]int64) {
	for _, w := range b.Winners {
		if w.Team == fight.Heroes {
			counts[0] = w.Wins
		} else {
			counts[1] = w.Wins
		}
	}
	for _, p := range b.Places {
		counts[2] = p.Fights
	}
	return counts
}

// raise adds the count of a batch's nth winner or place to the count in the world.
func (w *world) raise(b *batch, nth int, guarded bool) {
	for i, n := range countsOf(b) {
		if n == 0 {
			continue
		}
		if nth == 0 && (w.counts[i].batch < b.Number || !guarded) {
			w.counts[i] = count{w.counts[i].n + n, b.Number}
		}
		nth--
	}
}

// finish doesn't check the number of the last batch done; its callers do.
func (w *world) finish(b *batch) {
	w.addTotals(b)
	w.last = b.Number
}

func (w *world) addTotals(b *batch) {
	w.totals.Total += b.Total
	w.totals.Heroes += b.Heroes
	w.totals.Villains += b.Villains
	if w.since.IsZero() || b.Since.Before(w.since) {
		w.since = b.Since
	}
}

// settled reports whether all fights are stored and counted.
func (w *world) settled(fights int) bool {
	for i := range fights {
		if !w.stored[i] || w.marks[i] == 0 {
			return false
		}
	}
	return w.frozen[w.last+1] == nil
}

// history is the sequence of replies that a counter has received since its start. Equal histories are stored only once,
// so they have the same address.
type history struct {
	id      int
	replies []any
}

// steps simulates the database for one counter. It returns the replies recorded in the counter's history, executes the
// next step, and fails the step after that with errPaused. A counter therefore has no state other than its history.
type steps struct {
	*explorer
	world *world
	past  []any
	reply any // reply to the step that was carried out; nil before that
}

var errPaused = errors.New("paused")

func step[T any](s *steps, carryOut func(w *world) T) (reply T, err error) {
	switch {
	case len(s.past) > 0:
		reply, s.past = s.past[0].(T), s.past[1:]
		return reply, nil
	case s.reply != nil:
		return reply, errPaused
	}
	reply = carryOut(s.world)
	s.reply = reply
	return reply, nil
}

// change carries out a step that has no reply.
func change(s *steps, carryOut func(w *world)) error {
	_, err := step(s, func(w *world) struct{} {
		carryOut(w)
		return struct{}{}
	})
	return err
}

func (s *steps) done(context.Context) (int64, error) {
	return step(s, func(w *world) int64 { return w.last })
}

func (s *steps) open(_ context.Context, number int64) (*batch, error) {
	return step(s, func(w *world) *batch { return w.frozen[number] })
}

func (s *steps) uncounted(_ context.Context, number int64) (*batch, error) {
	return step(s, func(w *world) *batch {
		var ids []any
		for i, stored := range w.stored {
			if stored && w.marks[i] == 0 && len(ids) < s.model.most {
				ids = append(ids, i)
			}
		}
		return s.batchOf(number, ids...)
	})
}

func (s *steps) freeze(_ context.Context, b *batch) (bool, error) {
	return step(s, func(w *world) bool {
		if w.frozen[b.Number] != nil {
			return false
		}
		w.frozen[b.Number] = b
		return true
	})
}

func (s *steps) updates(b *batch) []command { return append(s.raises(b, true), s.marks(b)...) }

func (s *steps) raises(b *batch, guarded bool) (raises []command) {
	for nth := range len(b.Winners) + len(b.Places) {
		raises = append(raises, func(context.Context) error {
			return change(s, func(w *world) { w.raise(b, nth, guarded) })
		})
	}
	return raises
}

func (s *steps) marks(b *batch) (marks []command) {
	for _, id := range b.Fights {
		marks = append(marks, func(context.Context) error {
			return change(s, func(w *world) { w.marks[id.(int)] = b.Number })
		})
	}
	return marks
}

func (s *steps) finish(_ context.Context, b *batch) error {
	return change(s, func(w *world) {
		if w.last == b.Number-1 {
			w.finish(b)
		}
	})
}

func (s *steps) forget(_ context.Context, upTo int64) error {
	return change(s, func(w *world) { clear(w.frozen[:upTo+1]) })
}

// configuration is a database together with the counters working on it.
type configuration struct {
	world    world
	counters [2]*history
	ghost    *history // history of a killed counter whose next step may still be carried out, or nil
}

// explorer visits every reachable configuration of a model.
type explorer struct {
	model     model
	mutate    func(*steps) documents
	started   *history         // history of a counter that has just been started
	histories map[any]*history // keyed by the previous history and the last reply
	batches   map[any]*batch   // keyed by number and fights
	visited   map[configuration]bool
	queue     []configuration
	settled   int
	fault     string
}

func newExplorer(m model) *explorer {
	return &explorer{
		model: m, mutate: func(s *steps) documents { return s }, started: &history{},
		histories: map[any]*history{}, batches: map[any]*batch{}, visited: map[configuration]bool{},
	}
}

// after returns the history that extends h by a reply.
func (e *explorer) after(h *history, reply any) *history {
	key := [2]any{h, reply}
	if e.histories[key] == nil {
		e.histories[key] = &history{len(e.histories) + 1, append(slices.Clip(h.replies), reply)}
	}
	return e.histories[key]
}

// batchOf returns the batch with the given number and fights.
func (e *explorer) batchOf(number int64, ids ...any) *batch {
	key := fmt.Sprint(number, ids)
	if e.batches[key] == nil {
		tally := statistics.NewTally()
		for _, id := range ids {
			tally.Add(modelFights()[id.(int)])
		}
		e.batches[key] = newBatch(number, ids, tally)
	}
	return e.batches[key]
}

// wrong returns a description of an incorrect count, or "" if all counts are correct. Unless all is set, uncounted
// fights are not an error.
func (e *explorer) wrong(w world, all bool) string {
	var ids []any
	for i, stored := range w.stored {
		if stored {
			ids = append(ids, i)
		}
	}
	truth := e.batchOf(0, ids...)
	if w.totals.Total > truth.Total || all && (w.totals != truth.Sums || !w.since.Equal(truth.Since)) {
		return fmt.Sprintf("the totals are %v since %s, want %v since %s", w.totals, w.since, truth.Sums, truth.Since)
	}
	for i, n := range countsOf(truth) {
		if w.counts[i].n > n || all && w.counts[i].n != n {
			return fmt.Sprintf("count %d is %d, want %d", i, w.counts[i].n, n)
		}
	}
	return ""
}

func (e *explorer) explore() {
	e.visit(configuration{counters: [2]*history{e.started, e.started}})
	for len(e.queue) > 0 && e.fault == "" {
		c := e.queue[len(e.queue)-1]
		e.queue = e.queue[:len(e.queue)-1]
		e.successors(c)
	}
}

// visit queues a configuration unless it was visited before. Two configurations that differ only in the order of the
// counters are treated as the same configuration.
func (e *explorer) visit(c configuration) {
	if c.counters[0].id > c.counters[1].id {
		c.counters[0], c.counters[1] = c.counters[1], c.counters[0]
	}
	if e.visited[c] {
		return
	}
	e.visited[c] = true
	idle := configuration{world: c.world, counters: [2]*history{e.started, e.started}}
	settled := c == idle && c.world.settled(e.model.fights)
	if settled {
		e.settled++
	}
	if e.fault = e.wrong(c.world, settled); e.fault == "" {
		e.queue = append(e.queue, c)
	}
}

// successors visits the configuration that results from each possible event: a fight is stored, or a counter takes a
// step or is killed.
func (e *explorer) successors(c configuration) {
	for i := range e.model.fights {
		next := c
		next.world.stored[i] = true
		e.visit(next)
	}
	for i, counter := range c.counters {
		next, killed := c, c
		next.counters[i] = e.advance(&next.world, counter)
		e.visit(next)
		killed.counters[i] = e.started
		e.visit(killed)
		if e.model.ghost && c.ghost == nil {
			killed.ghost = counter
			e.visit(killed)
		}
	}
	if c.ghost != nil {
		next := c
		e.advance(&next.world, c.ghost)
		next.ghost = nil
		e.visit(next)
	}
}

// advance makes the counter with history h take its next step in the world, and returns its new history.
func (e *explorer) advance(w *world, h *history) *history {
	s := &steps{explorer: e, world: w, past: h.replies}
	c := counter{db: e.mutate(s)}
	if _, err := c.run(context.Background()); errors.Is(err, errPaused) {
		return e.after(h, s.reply)
	}
	return e.started // the run has ended; errPaused is the only possible error
}

// completes checks that once all fights are stored, a single counter counts all of them correctly.
func (e *explorer) completes(t *testing.T, w world) {
	t.Helper()
	for i := range e.model.fights {
		w.stored[i] = true
	}
	counter := e.started
	for range 100 { // more steps than the counter needs
		counter = e.advance(&w, counter)
	}
	if fault := e.wrong(w, true); !w.settled(e.model.fights) || fault != "" {
		t.Errorf("a single counter finished with wrong statistics: %s", fault)
	}
}

// TestModel checks that no reachable state is wrong, and that from each state a single counter finishes counting,
// regardless of which counters were killed earlier.
func TestModel(t *testing.T) {
	t.Parallel()
	for name, m := range models() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newExplorer(m)
			e.explore()
			if e.fault != "" {
				t.Error(e.fault)
			}
			worlds := map[world]bool{}
			for c := range e.visited {
				if !worlds[c.world] {
					worlds[c.world] = true
					e.completes(t, c.world)
				}
			}
			t.Logf("%d states, %d with all fights counted; %d states of the database", len(e.visited), e.settled, len(worlds))
			if e.settled == 0 {
				t.Error("the test reached no state in which all fights are counted")
			}
		})
	}
}
