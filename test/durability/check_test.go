package durability

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"superheroes/test/history"
)

// errLost means that a fight was acknowledged and isn't stored.
var errLost = errors.New("acknowledged and lost")

// check compares what the clients know with what the server lists above down, or everything if down is empty. Fights
// below were listed by an earlier check; the count shows whether as many are still there.
func (l *ledger) check(ctx context.Context, base, down string) error {
	if len(l.faults) > 0 {
		return fmt.Errorf("%d faults, the first: %s", len(l.faults), l.faults[0])
	}
	maps.DeleteFunc(l.stored, func(id string, _ history.Fight) bool { return id > down })
	recent, number, err := history.Settled(ctx, base, down, len(l.stored))
	if err != nil {
		return err
	}
	if err := inOrder(recent); err != nil {
		return err
	}
	for _, fight := range recent {
		l.stored[fight.ID] = fight
	}
	if err := l.compare(); err != nil {
		return err
	}
	if number != len(l.stored) {
		return fmt.Errorf("the count is %d, and %d were listed", number, len(l.stored))
	}
	return nil
}

func inOrder(newestFirst []history.Fight) error {
	for i := 1; i < len(newestFirst); i++ {
		if above, below := newestFirst[i-1].ID, newestFirst[i].ID; below >= above {
			return fmt.Errorf("%s is listed below %s", below, above)
		}
	}
	return nil
}

// compare finds fights that were lost, changed, stored twice, or not requested.
func (l *ledger) compare() error {
	verdict := history.Check(l.operations, slices.Collect(maps.Values(l.stored)))
	switch {
	case verdict.Lost > 0:
		return fmt.Errorf("%d of %d: %w", verdict.Lost, verdict.OK, errLost)
	case !verdict.Sound():
		return errors.New(strings.Join(verdict.Faults, "\n"))
	}
	return nil
}

// The check itself is tested: a ledger with more, less or other fights than the server is caught.
func TestCheckCatches(t *testing.T) {
	run := start(t, t.TempDir(), honest)
	asking := newLedger()
	for range 5 {
		if got := asking.once(t.Context(), run.base, ""); got.Outcome != history.OK {
			t.Fatalf("%+v", got)
		}
	}
	stored, _, err := history.Settled(t.Context(), run.base, "", 0)
	if err != nil || len(stored) != 5 {
		t.Fatalf("%v, %v", stored, err)
	}
	known := func(change func(*ledger)) *ledger {
		l := newLedger()
		l.operations = slices.Clone(asking.operations)
		change(l)
		return l
	}
	for name, test := range map[string]struct {
		ledger *ledger
		want   string
	}{
		"all as it is":          {known(func(*ledger) {}), ""},
		"one lost":              {known(func(l *ledger) { l.operations = append(l.operations, history.Operation{ID: "lost"}) }), "lost"},
		"one changed":           {known(func(l *ledger) { l.operations[1].Answer += " " }), "acknowledged"},
		"one nobody asked for":  {known(func(l *ledger) { l.operations = l.operations[1:] }), "no answer tells"},
		"one without an answer": {known(func(l *ledger) { l.operations[1].Outcome = history.Indeterminate }), ""},
		"one that was refused":  {known(func(l *ledger) { l.operations[1].Outcome = history.Refused }), "refused"},
		"a fault a client saw":  {known(func(l *ledger) { l.faults = []string{"out of order"} }), "out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.ledger.check(t.Context(), run.base, "")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	t.Run("one gone from below", func(t *testing.T) {
		l := known(func(l *ledger) { l.stored["0"] = history.Fight{ID: "0"} })
		l.operations = append(l.operations, history.Operation{Outcome: history.Indeterminate})
		if err := l.check(t.Context(), run.base, "00"); err == nil || !strings.Contains(err.Error(), "count") {
			t.Errorf("got %v, want a wrong count", err)
		}
	})
	t.Run("one sent and stored twice", func(t *testing.T) {
		asking.numbers.Store(1) // the second one is sent again
		if got := asking.once(t.Context(), run.base, ""); got.Outcome != history.OK || got.Hero != asking.operations[1].Hero {
			t.Fatalf("%+v", got)
		}
		l := known(func(*ledger) {})
		if err := l.check(t.Context(), run.base, ""); err == nil || !strings.Contains(err.Error(), "is stored 2 times") {
			t.Errorf("got %v, want one stored twice", err)
		}
	})
}
