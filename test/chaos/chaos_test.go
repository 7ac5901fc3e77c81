package main

import (
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"superheroes/test/faulty"

	"superheroes/test/history"
)

// short returns options for a run that takes only a few seconds per scenario.
func short(program string) Options {
	return Options{Program: program, Seed: 1, Rounds: 1, Length: 2 * time.Second, Rows: 20_000, Settles: startPatience}
}

// atOnce is the number of scenarios that run in parallel. Scenarios spend most of their time waiting for engines or
// for the next event.
const atOnce = "4"

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", atOnce) // sets the flag's default; can't fail, because the flag exists
	os.Exit(m.Run())
}

// TestScenarios checks that no scenario loses, duplicates or miscounts a fight. `make chaos` runs the same scenarios
// for longer.
func TestScenarios(t *testing.T) {
	t.Parallel()
	program := faulty.Build(t, "")
	for _, s := range scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r := runUntil(t, s, short(program), func(r Result) bool {
				return r.Skipped != "" || len(r.Faults) == 0 && (!interrupts(s) || r.Refused+r.Indeterminate > 0) ||
					slices.ContainsFunc(r.Faults, func(fault string) bool { return fault != noneServed })
			})
			if r.Skipped != "" {
				t.Skip(r.Skipped)
			}
			for _, fault := range r.Faults {
				t.Errorf("seed %d: %s", r.Seed, fault)
			}
			if interrupts(s) && r.Refused+r.Indeterminate == 0 {
				t.Error("every fight was acknowledged, so the fault had no effect")
			}
			t.Logf("%d operations: %d ok, %d refused, %d indeterminate; %d stored, %d counted; recovered in %s %q",
				r.Operations(), r.OK, r.Refused, r.Indeterminate, r.Stored, r.Counted, r.Recovery.Round(time.Millisecond), r.Notes)
		})
	}
}

// runUntil runs a scenario with up to five seeds, until a run is conclusive. On a very busy machine, a run may be
// inconclusive: no request completes before or after the fault, or none is sent during it.
func runUntil(t *testing.T, s Scenario, o Options, telling func(Result) bool) Result {
	t.Helper()
	r := run(t, s, o)
	for !telling(r) && o.Seed < 5 {
		o.Seed++
		r = run(t, s, o)
	}
	return r
}

// interrupts reports whether the scenario has a condition during which no fights can be stored.
func interrupts(s Scenario) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return slices.Equal(c.On, []string{"up"}) && !slices.Contains(c.Begin, freeze)
	})
}

// TestBrokenBuildsAreCaught checks that each deliberately broken build is caught, and that the result reports the fault
// built into it. A build that acknowledges fights too early loses a fight only if it acknowledged one right before the
// kill; on a very busy machine this may not happen, so the test tries several seeds.
func TestBrokenBuildsAreCaught(t *testing.T) {
	t.Parallel()
	for tag, caught := range map[string]func(Result) bool{
		"chaos_acknowledge_early": func(r Result) bool { return r.Lost > 0 },
		"chaos_drop_on_restart":   func(r Result) bool { return r.Lost > 0 },
		"chaos_count_twice":       func(r Result) bool { return r.Counted > r.Stored && r.Sound() },
	} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			o := short(faulty.Build(t, tag))
			o.Settles = brokenPatience
			r := runUntil(t, scenarios()[0], o, caught)
			if !caught(r) || len(r.Faults) == 0 {
				t.Errorf("not caught: %+v", r)
			}
			t.Logf("%d fights lost, %d stored, %d counted", r.Lost, r.Stored, r.Counted)
		})
	}
}

// TestUnserved checks that a run fails if it acknowledges no fights, or only fights of one kind, because such a run
// proves nothing. Fights that only probe whether the system works don't count.
func TestUnserved(t *testing.T) {
	of := func(n int, hero string, outcome history.Outcome) []history.Operation {
		return slices.Repeat([]history.Operation{{Hero: hero, Outcome: outcome}}, n)
	}
	probes := of(9, probe+"first-0-0", history.OK)
	for name, test := range map[string]struct {
		operations []history.Operation
		fault      bool
	}{
		"probes only":       {probes, true},
		"all refused":       {slices.Concat(probes, of(50, "op-1", history.Refused), of(50, "", history.Indeterminate)), true},
		"all picks refused": {slices.Concat(probes, of(50, "op-1", history.OK), of(50, "", history.Refused)), true},
		"all posts refused": {slices.Concat(probes, of(50, "op-1", history.Refused), of(50, "", history.OK)), true},
		"few acknowledged":  {slices.Concat(probes, of(3, "op-1", history.OK), of(50, "", history.Refused)), false},
		"both kinds":        {slices.Concat(probes, of(50, "op-1", history.OK), of(1, "", history.OK)), false},
	} {
		t.Run(name, func(t *testing.T) {
			if fault := unserved(test.operations); (fault != "") != test.fault {
				t.Errorf("got %q", fault)
			}
		})
	}
}
