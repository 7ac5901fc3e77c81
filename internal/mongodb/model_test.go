package mongodb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/statistics"
)

// The model is the protocol itself, step by step, on in-memory documents. Two counters take their steps in every
// possible order, and each may be killed and restarted between any two steps. In the model with a ghost, the last step
// of a killed counter may be carried out later, as if the network had delayed it. Fights are stored at any time and in
// any order of ids. No counter ever leaves a batch to another: whatever a lease would allow is among the orders tried.
// Every reachable state is visited.
type model struct {
	fights []fight.Outcome
	most   int // fights in a batch
	ghost  bool
}

func models() map[string]model {
	return map[string]model{"three fights": {modelFights(), 2, false}, "two fights and a ghost": {modelFights()[:2], 1, true}}
}

// modelFights returns the fights to be stored. The third winner has the name of the first, but is on the other team.
func modelFights() []fight.Outcome {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	return []fight.Outcome{
		{Date: at.Add(time.Hour), Winner: "Yoda", Team: fight.Heroes, Place: "Gotham City"},
		{Date: at, Winner: "Yoda", Team: fight.Heroes},
		{Date: at.Add(time.Minute), Winner: "Yoda", Team: fight.Villains, Place: "Gotham City"},
	}
}

// faults are the faults of a mutant's documents.
type faults struct {
	overwrite   bool // freeze replaces an existing batch
	noGuard     bool // raise ignores the number
	noDoneGuard bool // finish ignores the number
	forgetsAll  bool
}

// world is a database.
type world struct {
	faults faults
	most   int             // fights in a batch
	fights []fight.Outcome // all fights, stored or not
	stored []bool
	marks  []int64 // 0 for none
	last   int64   // the last batch done
	totals statistics.Sums
	since  time.Time
	frozen map[int64]batch
	parts  map[string]part
}

type part struct{ n, batch int64 }

var _ documents = (*world)(nil)

func newWorld(m model, broken faults) *world {
	return &world{
		faults: broken, most: m.most, fights: m.fights, stored: make([]bool, len(m.fights)), marks: make([]int64, len(m.fights)),
		frozen: map[int64]batch{}, parts: map[string]part{},
	}
}

func (w *world) clone() *world {
	c := *w
	c.stored, c.marks, c.frozen, c.parts = slices.Clone(w.stored), slices.Clone(w.marks), maps.Clone(w.frozen), maps.Clone(w.parts)
	return &c
}

func (w *world) done(context.Context) (int64, error) { return w.last, nil }

func (w *world) open(_ context.Context, number int64) (batch, bool, error) {
	b, open := w.frozen[number]
	return b, open, nil
}

func (w *world) uncounted(_ context.Context, number int64) (batch, error) {
	b := batch{number: number, tally: statistics.NewTally()}
	for i, stored := range w.stored {
		if stored && w.marks[i] == 0 && len(b.fights) < w.most {
			b.fights = append(b.fights, i)
			b.tally.Add(w.fights[i])
		}
	}
	b.raises, b.marks = len(partsOf(b.tally)), len(b.fights) // each document is its own step
	return b, nil
}

func (w *world) freeze(_ context.Context, b batch) (bool, error) {
	if _, taken := w.frozen[b.number]; taken && !w.faults.overwrite {
		return false, nil
	}
	w.frozen[b.number] = b
	return true, nil
}

// partsOf returns the documents that a tally raises, and by how much.
func partsOf(tally *statistics.Tally) map[string]int64 {
	parts := map[string]int64{}
	for who, n := range tally.Winners {
		parts[string(who.Team)+"/"+who.Name] = n
	}
	for name, n := range tally.Places {
		parts["at "+name] = n
	}
	return parts
}

func (w *world) raise(_ context.Context, b batch, at int) error {
	parts := partsOf(b.tally)
	name := slices.Sorted(maps.Keys(parts))[at]
	if before := w.parts[name]; before.batch < b.number || w.faults.noGuard {
		w.parts[name] = part{before.n + parts[name], b.number}
	}
	return nil
}

func (w *world) mark(_ context.Context, b batch, at int) error {
	w.marks[b.fights[at].(int)] = b.number
	return nil
}

func (w *world) finish(_ context.Context, b batch) error {
	if w.last != b.number-1 && !w.faults.noDoneGuard {
		return nil
	}
	w.addTotals(b)
	w.last = b.number
	return nil
}

func (w *world) addTotals(b batch) {
	w.totals.Total += b.tally.Total
	w.totals.Heroes += b.tally.Heroes
	w.totals.Villains += b.tally.Villains
	if w.since.IsZero() || b.tally.Since.Before(w.since) {
		w.since = b.tally.Since
	}
}

func (w *world) forget(_ context.Context, upTo int64) error {
	maps.DeleteFunc(w.frozen, func(number int64, _ batch) bool { return number <= upTo || w.faults.forgetsAll })
	return nil
}

// wrong returns what is counted incorrectly, or "". Unless all is set, counting too little is not an error.
func (w *world) wrong(all bool) string {
	truth := statistics.NewTally()
	for i, stored := range w.stored {
		if stored {
			truth.Add(w.fights[i])
		}
	}
	if w.totals.Total > truth.Total || all && (w.totals != truth.Sums || !w.since.Equal(truth.Since)) {
		return fmt.Sprintf("the totals are %v since %s, of %v since %s", w.totals, w.since, truth.Sums, truth.Since)
	}
	parts := partsOf(truth)
	for name, part := range w.parts {
		if part.n > parts[name] {
			return fmt.Sprintf("%s has %d, of %d", name, part.n, parts[name])
		}
	}
	for name, n := range parts {
		if all && w.parts[name].n != n {
			return fmt.Sprintf("%s has %d, of %d", name, w.parts[name].n, n)
		}
	}
	return ""
}

// settled reports whether nothing is left to do.
func (w *world) settled() bool {
	_, open := w.frozen[w.last+1]
	return !open && !slices.Contains(w.stored, false) && !slices.Contains(w.marks, 0)
}

// appendKey appends a key that identifies the state of the database.
func (w *world) appendKey(key []byte) []byte {
	for i, stored := range w.stored {
		key = append(key, '0', byte(w.marks[i]))
		if stored {
			key[len(key)-2] = '1'
		}
	}
	key = append(key, byte(w.last), byte(w.totals.Total), byte(w.totals.Heroes), byte(w.totals.Villains))
	key = w.since.AppendFormat(key, "04:05")
	for number := int64(1); number <= int64(len(w.fights))+1; number++ {
		if b, frozen := w.frozen[number]; frozen {
			key = appendBatch(key, b)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.parts)) {
		key = append(append(key, name...), byte(w.parts[name].n), byte(w.parts[name].batch))
	}
	return key
}

func appendBatch(key []byte, b batch) []byte {
	key = append(key, 'b', byte(b.number))
	for _, id := range b.fights {
		key = append(key, byte(id.(int)))
	}
	return key
}

// configuration is a database and the counters working on it; the third one is the ghost of a killed counter with its
// last step.
type configuration struct {
	world    *world
	counters [3]pass
}

// key identifies a configuration. The two counters are interchangeable.
func (c configuration) key() string {
	first, second := c.counters[0].key(), c.counters[1].key()
	key := append(c.world.appendKey(nil), min(first, second)...)
	return string(append(append(key, max(first, second)...), c.counters[2].key()...))
}

func (p pass) key() string {
	return string(append(appendBatch([]byte("|"+p.next), p.batch), byte(p.number), byte(p.part)))
}

// explorer visits every configuration of a model.
type explorer struct {
	model       model
	rules       rules
	first       step
	each        func(configuration) // called for each configuration, if set
	visited     map[string]bool
	queue       []configuration
	transitions int
	settled     int
	fault       string
}

func newExplorer(m model) *explorer {
	return &explorer{model: m, rules: protocol(), first: ask, visited: map[string]bool{}}
}

func (e *explorer) fresh() pass {
	return pass{rules: e.rules, next: e.first, leave: func(int64) bool { return false }}
}

func (e *explorer) explore(broken faults) {
	e.visit(configuration{newWorld(e.model, broken), [3]pass{e.fresh(), e.fresh(), {next: ended}}})
	for len(e.queue) > 0 && e.fault == "" {
		c := e.queue[len(e.queue)-1]
		e.queue = e.queue[:len(e.queue)-1]
		e.successors(c)
	}
}

func (e *explorer) visit(c configuration) {
	e.transitions++
	key := c.key()
	if e.visited[key] {
		return
	}
	e.visited[key] = true
	if e.each != nil {
		e.each(c)
	}
	settled := c.world.settled() && c.counters[0].next == e.first && c.counters[1].next == e.first && c.counters[2].next == ended
	if settled {
		e.settled++
	}
	if e.fault = c.world.wrong(settled); e.fault == "" {
		e.queue = append(e.queue, c)
	}
}

// successors visits the result of every possible event: a fight is stored, or a counter is killed or takes a step.
func (e *explorer) successors(c configuration) {
	for i, stored := range c.world.stored {
		if !stored {
			next := configuration{c.world.clone(), c.counters}
			next.world.stored[i] = true
			e.visit(next)
		}
	}
	for i, counter := range c.counters {
		if counter.next == ended {
			continue
		}
		if i < 2 {
			e.kill(c, i)
		}
		next := configuration{c.world.clone(), c.counters}
		counter.db = next.world
		if err := counter.advance(context.Background()); err != nil {
			e.fault = err.Error()
			return
		}
		switch {
		case i == 2:
			counter = pass{next: ended}
		case counter.next == ended:
			counter = e.fresh()
		}
		next.counters[i] = counter
		e.visit(next)
	}
}

// kill visits the results of killing a counter: its step is never taken, or later.
func (e *explorer) kill(c configuration, i int) {
	killed := c
	killed.counters[i] = e.fresh()
	e.visit(killed)
	if e.model.ghost && c.counters[2].next == ended {
		killed.counters[2] = c.counters[i]
		e.visit(killed)
	}
}

// TestModel checks that no state is wrong, and that from each a single counter finishes counting, whoever was killed
// before.
func TestModel(t *testing.T) {
	t.Parallel()
	for name, m := range models() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, tried := newExplorer(m), map[string]bool{}
			e.each = func(c configuration) {
				if key := string(c.world.appendKey(nil)); !tried[key] {
					tried[key] = true
					e.completes(t, c.world.clone())
				}
			}
			e.explore(faults{})
			t.Logf("%d states, %d transitions, %d states with everything done; %d states of the database",
				len(e.visited), e.transitions, e.settled, len(tried))
			if e.fault != "" {
				t.Error(e.fault)
			}
			if e.settled == 0 {
				t.Error("no state with everything done was reached")
			}
		})
	}
}

// completes stores all fights and makes one counter count.
func (e *explorer) completes(t *testing.T, w *world) {
	for i := range w.stored {
		w.stored[i] = true
	}
	for range 2 * len(w.stored) {
		p := e.fresh()
		p.db = w
		if _, err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if fault := w.wrong(true); !w.settled() || fault != "" {
		t.Errorf("a counter on its own got it wrong: %s", fault)
	}
}

// Each mutant lacks one element of the protocol, and the model finds a wrong state for it.
func TestModelCatchesMutants(t *testing.T) {
	then := func(rule func(context.Context, *pass) (step, error), from, to step) func(context.Context, *pass) (step, error) {
		return func(ctx context.Context, p *pass) (step, error) {
			next, err := rule(ctx, p)
			if next == from {
				next = to
			}
			return next, err
		}
	}
	const note step = "note"
	adds := func(to step) func(context.Context, *pass) (step, error) {
		return func(_ context.Context, p *pass) (step, error) {
			if w := p.db.(*world); w.last == p.batch.number-1 {
				w.addTotals(p.batch)
			}
			return to, nil
		}
	}
	notes := func(to step) func(context.Context, *pass) (step, error) {
		return func(_ context.Context, p *pass) (step, error) {
			if w := p.db.(*world); w.last == p.batch.number-1 {
				w.last = p.batch.number
			}
			return to, nil
		}
	}
	for name, mutate := range map[string]func(rules, *explorer) faults{
		"nothing is frozen": func(r rules, _ *explorer) faults {
			r[look] = then(r[look], freeze, raise)
			return faults{}
		},
		"a frozen batch is overwritten": func(rules, *explorer) faults { return faults{overwrite: true} },
		"a batch that is taken over is determined again": func(r rules, _ *explorer) faults {
			r[find] = func(ctx context.Context, p *pass) (step, error) {
				if _, open, _ := p.db.open(ctx, p.number); !open {
					return look, nil
				}
				var err error
				p.batch, err = p.db.uncounted(ctx, p.number)
				return confirm, err
			}
			return faults{}
		},
		"raised without the guard": func(rules, *explorer) faults { return faults{noGuard: true} },
		"totals first, then done": func(r rules, _ *explorer) faults {
			r[finish], r[note] = adds(note), notes(forget)
			return faults{}
		},
		"done first, then totals": func(r rules, _ *explorer) faults {
			r[finish] = notes(note)
			r[note] = func(_ context.Context, p *pass) (step, error) {
				p.db.(*world).addTotals(p.batch)
				return forget, nil
			}
			return faults{}
		},
		"totals without the guard": func(rules, *explorer) faults { return faults{noDoneGuard: true} },
		"marked after it is done": func(r rules, _ *explorer) faults {
			r[raise], r[finish], r[mark] = then(r[raise], mark, finish), then(r[finish], forget, mark), then(r[mark], finish, forget)
			return faults{}
		},
		"marked before it is frozen": func(r rules, _ *explorer) faults {
			r[look], r[mark], r[raise] = then(r[look], freeze, mark), then(r[mark], finish, freeze), then(r[raise], mark, finish)
			r[freeze] = func(ctx context.Context, p *pass) (step, error) {
				next, err := freezeBatch(ctx, p)
				p.part = 0
				return next, err
			}
			return faults{}
		},
		"not fenced: a frozen batch is not confirmed": func(r rules, _ *explorer) faults {
			r[freeze] = then(r[freeze], confirm, raise)
			return faults{}
		},
		"not fenced: a found batch is not confirmed": func(r rules, _ *explorer) faults {
			r[find] = then(r[find], confirm, raise)
			return faults{}
		},
		"fights are looked for before the number is read": func(r rules, e *explorer) faults {
			e.first = look
			r[look] = then(r[look], freeze, ask)
			r[find] = func(ctx context.Context, p *pass) (step, error) {
				looked := p.batch
				next, err := findOpen(ctx, p)
				if next != look {
					return next, err
				}
				p.batch = looked
				p.batch.number = p.number
				return freeze, nil
			}
			return faults{}
		},
		"forgotten before it is finished": func(r rules, _ *explorer) faults {
			r[mark], r[forget], r[finish] = then(r[mark], finish, forget), then(r[forget], ended, finish), then(r[finish], forget, ended)
			return faults{}
		},
		"every batch is forgotten": func(rules, *explorer) faults { return faults{forgetsAll: true} },
	} {
		t.Run(name, func(t *testing.T) {
			states := 0
			for _, m := range models() {
				e := newExplorer(m)
				e.explore(mutate(e.rules, e))
				states += len(e.visited)
				if e.fault != "" {
					t.Logf("caught after %d states: %s", states, e.fault)
					return
				}
			}
			t.Errorf("not caught in %d states", states)
		})
	}
}
