package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/test/history"
	"superheroes/test/system"
)

// Options configures a run.
type Options struct {
	Program string
	Seed    uint64
	Rounds  int
	Length  time.Duration // how long load is generated in each round
	Rows    int           // number of heroes in a large table
	Settles time.Duration // time limit for the statistics to become correct
	Rests   time.Duration // time limit for the resource usage to become stable
}

// Result is the outcome of a scenario.
type Result struct {
	Scenario, Conditions, System string
	Seed                         uint64
	Rounds                       int
	history.Verdict
	Other         int // number of faults that aren't counted in Verdict
	Counted       int // number of fights in the statistics
	Longest       time.Duration
	Recovery      time.Duration // the longest recovery time
	Before, After Usage
	Peak          int64
	Notes         []string
	Skipped       string // why the scenario was skipped; otherwise ""
}

// Operations returns the number of fights that were requested.
func (r Result) Operations() int { return r.OK + r.Refused + r.Indeterminate }

func (r *Result) fault(format string, args ...any) {
	r.Other++
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// longestLife is the maximum number of rounds on one system of separate processes; after that, a new system starts with
// empty stores. The stores must stay small, because FerretDB repeatedly scans all fights.
const longestLife = 4

// run runs a scenario. Lost, duplicated or miscounted fights are recorded in the result. The test itself fails only for
// other reasons, such as a process that crashes or doesn't become ready again.
func run(t *testing.T, s Scenario, o Options) Result {
	t.Helper()
	r := Result{Scenario: s.Name, Conditions: s.conditions(), System: s.System.String(), Seed: o.Seed}
	life := o.Rounds
	if s.System.Separate {
		life = min(life, longestLife)
	}
	for first := 0; first < o.Rounds && (first == 0 || r.Skipped == ""); first += life {
		last := min(first+life, o.Rounds) - 1
		t.Run(fmt.Sprintf("rounds %d to %d", first, last), func(t *testing.T) {
			r.Skipped = "the run was aborted"
			defer func() {
				if t.Skipped() {
					r.Skipped = "skipped: its database server or small disk is not available here"
				}
			}()
			r.include(live(t, s, o, first, last))
			r.Skipped = ""
		})
	}
	return r
}

// live starts a new system, runs the given range of rounds on it, and verifies the result.
func live(t *testing.T, s Scenario, o Options, first, last int) Result {
	t.Helper()
	w := newWorld(t, o.Program, s.System, o.Rows)
	w.clients = newClients(w.heroes, w.fights)
	w.recover(time.Now(), "first") // this fills the connection pools
	r := Result{Rounds: last - first + 1, Before: w.now()}
	for number := first; number <= last; number++ {
		r.Recovery = max(r.Recovery, w.round(number, plan(s, o.Seed, number, o.Length)))
	}
	r.After = w.atRest(o.Rests)
	r.Peak = max(w.usage.Peak, r.After.Peak)
	w.killAll()
	r.Longest = history.Longest(w.clients.operations)
	w.verify(s, o, &r)
	return r
}

// include merges the result of further rounds into r.
func (r *Result) include(more Result) {
	if r.Rounds == 0 {
		r.Before = more.Before
	}
	r.After = more.After
	r.Rounds += more.Rounds
	r.Add(more.Verdict)
	r.Other += more.Other
	r.Counted += more.Counted
	r.Longest, r.Recovery, r.Peak = max(r.Longest, more.Longest), max(r.Recovery, more.Recovery), max(r.Peak, more.Peak)
	r.Notes = append(r.Notes, more.Notes...)
}

// atRest returns the resource usage of all processes once this usage has been stable for a second, which means that the
// processes have closed the idle connections left over from the load.
func (w *world) atRest(longest time.Duration) (now Usage) {
	now = w.now()
	for end := time.Now().Add(longest); time.Now().Before(end); {
		before := now
		time.Sleep(time.Second)
		if now = w.now(); now == before {
			break
		}
	}
	return now
}

// round sends the requests and applies the events of a timetable. It returns the recovery time: the time from the last
// event, which ends the last fault, until all processes are ready and each fights process has acknowledged a fight.
func (w *world) round(number int, table Timetable) (recovery time.Duration) {
	begin, healed := time.Now(), time.Now()
	var load sync.WaitGroup
	load.Go(func() { w.clients.run(w.Context(), table.Requests) })
	for _, event := range table.Events {
		time.Sleep(time.Until(begin.Add(event.At)))
		healed = time.Now()
		w.do(event)
	}
	if len(table.Events) > 0 {
		recovery = w.recover(healed, fmt.Sprint(number))
	}
	load.Wait()
	return recovery
}

// probe is the prefix of hero names in the fights that check whether the system works.
const probe = "probe-"

// recover waits until the system works again, and returns the time since the last fault ended.
func (w *world) recover(healed time.Time, name string) time.Duration {
	w.awaitReady()
	for to := range w.fights {
		for try := 0; ; try++ {
			request := Request{Kind: post, Hero: fmt.Sprintf("%s%s-%d-%d", probe, name, to, try), To: to}
			if got := w.clients.fight(w.Context(), request); got.Outcome == history.OK {
				break
			} else if time.Since(healed) > startPatience {
				w.Fatalf("no fight was acknowledged within %s; the last response: %d %s", startPatience, got.Status, got.Detail)
			}
		}
	}
	return time.Since(healed)
}

// killAll kills and restarts every process, so that the checks see only data that was stored durably.
func (w *world) killAll() {
	names := w.names()
	for _, i := range rand.Perm(len(names)) {
		w.do(Event{Do: kill, On: names[i]})
	}
	for _, name := range names {
		w.do(Event{Do: start, On: name})
	}
	w.awaitReady()
}

// verify compares the responses that clients got with the stored fights and the statistics.
func (w *world) verify(s Scenario, o Options, r *Result) {
	w.Helper()
	var stored []history.Fight
	var number int
	w.eventually(startPatience, "reading what is stored", func() (err error) {
		stored, number, err = history.Settled(w.Context(), w.fights[0], "", 0)
		return err
	})
	r.Verdict = history.Check(w.clients.operations, stored)
	if number != len(stored) {
		r.fault("%d fights are listed, but the reported count is %d", len(stored), number)
	}
	if fault := unserved(w.clients.operations); fault != "" {
		r.fault("%s", fault)
	}
	if len(w.fights) == 1 {
		if n := history.Disordered(w.clients.operations); n > 0 {
			r.fault("%d ids are not above the ids of fights acknowledged earlier", n)
		}
	}
	if s.System.Statistics > 1 {
		r.Notes = append(r.Notes, w.rebuild())
	}
	for _, base := range w.counts {
		w.verifyCount(base, stored, o.Settles, r)
	}
}

const noneServed = "no scheduled fight was acknowledged"

// unserved returns a description of the fault if no fights, or only fights of one kind, were acknowledged; such a run
// tests nothing. Fights that only probe the system don't count, because they are retried until one is acknowledged.
func unserved(operations []history.Operation) string {
	const enough = 20 // enough acknowledged fights for both kinds to occur
	posted, picked := 0, 0
	for _, o := range operations {
		switch {
		case o.Outcome != history.OK || strings.HasPrefix(o.Hero, probe):
		case o.Hero == "":
			picked++
		default:
			posted++
		}
	}
	switch {
	case posted+picked == 0:
		return noneServed
	case posted+picked >= enough && (posted == 0 || picked == 0):
		return fmt.Sprintf("no fights of one kind were acknowledged: %d posted, %d between random picks", posted, picked)
	}
	return ""
}

// verifyCount waits until the statistics are byte for byte the same as those computed from the stored fights.
func (w *world) verifyCount(base string, stored []history.Fight, settles time.Duration, r *Result) {
	want, err := history.Statistics(stored)
	if err != nil {
		w.Fatal(err)
	}
	var said []byte
	for end := time.Now().Add(settles); ; time.Sleep(50 * time.Millisecond) {
		if said, _, err = history.Get(w.Context(), base+"/api/statistics"); err == nil && bytes.Equal(said, want) || time.Now().After(end) {
			break
		}
	}
	var totals struct {
		Total int `json:"total"`
	}
	if err == nil {
		err = json.Unmarshal(said, &totals)
	}
	r.Counted = totals.Total
	if err != nil || !bytes.Equal(said, want) {
		r.fault("statistics: %s (error %v)\nwant:       %s", said, err, want)
	}
}

// rebuild runs `statistics rebuild` and returns its output. A rebuild is needed if two processes count fights
// concurrently on FerretDB, because FerretDB's updates aren't atomic.
func (w *world) rebuild() string {
	rebuilt := system.Start(w, w.program, []string{"MONGODB_URL=" + w.store}, "statistics", "rebuild")
	if code := rebuilt.Wait(w, startPatience); code != 0 {
		w.Fatalf("rebuilding the statistics: %s", rebuilt.Stderr.String())
	}
	return "statistics rebuild: " + strings.TrimSpace(rebuilt.Stdout.String())
}

// eventually calls do repeatedly until do succeeds, and fails the test after the time limit.
func (w *world) eventually(within time.Duration, what string, do func() error) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), within)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			w.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
