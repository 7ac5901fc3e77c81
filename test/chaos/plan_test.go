package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testLength = 4 * time.Second

// TestSameSeedSameTimetable checks that the timetable depends only on the scenario, the seed and the round.
func TestSameSeedSameTimetable(t *testing.T) {
	all := scenarios()
	for _, s := range all {
		table := plan(s, 7, 3, testLength)
		if diff := cmp.Diff(table, plan(s, 7, 3, testLength)); diff != "" {
			t.Errorf("%s: the same seed yields two different timetables:\n%s", s.Name, diff)
		}
		for name, other := range map[string]Timetable{"another seed": plan(s, 8, 3, testLength), "another round": plan(s, 7, 4, testLength)} {
			if cmp.Equal(table, other) {
				t.Errorf("%s: the timetable is the same with %s", s.Name, name)
			}
		}
	}
	if cmp.Equal(plan(all[0], 7, 3, testLength).Events, plan(all[10], 7, 3, testLength).Events) {
		t.Error("two different scenarios have the same events")
	}
}

// TestTimetable checks that in each round, the conditions overlap, each fault ends before the end of the round, and
// each hero's name is sent only once.
func TestTimetable(t *testing.T) {
	for _, s := range scenarios() {
		for number := range 20 {
			table := plan(s, 1, number, testLength)
			sent := map[string]bool{}
			for i, request := range table.Requests {
				if request.At >= testLength || i > 0 && request.At < table.Requests[i-1].At {
					t.Fatalf("%s: request %d is out of order or too late, at %s", s.Name, i, request.At)
				}
				if request.Kind == post && (request.Hero == "" || sent[request.Hero]) {
					t.Fatalf("%s: the hero's name %q is empty or sent twice", s.Name, request.Hero)
				}
				sent[request.Hero] = true
			}
			var ends []time.Duration
			for _, c := range s.Conditions {
				if len(c.On) > 0 {
					ends = append(ends, lasts(t, table, c)...)
				}
			}
			if len(ends) == 4 && (ends[2] >= ends[1] || ends[0] >= ends[3]) {
				t.Errorf("%s, round %d: the conditions don't overlap: %v", s.Name, number, ends)
			}
		}
	}
}

// lasts returns the start of a condition's first occurrence and the end of its last occurrence.
func lasts(t *testing.T, table Timetable, c Condition) []time.Duration {
	t.Helper()
	begins, ends := testLength, time.Duration(0)
	for _, on := range c.On {
		for _, event := range table.Events {
			if event.On == on && event.Do == c.Begin[0] {
				begins = min(begins, event.At)
			}
			if event.On == on && event.Do == c.End[len(c.End)-1] {
				ends = max(ends, event.At)
			}
		}
	}
	if begins >= ends || ends > testLength {
		t.Errorf("the condition %s starts at %s and ends at %s", c.Name, begins, ends)
	}
	return []time.Duration{begins, ends}
}
