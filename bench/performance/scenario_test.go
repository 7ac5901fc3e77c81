package performance

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestVisits measures the steps of two systems, next to a third one that doesn't start: its steps are void and say why,
// and the others are measured nevertheless.
func TestVisits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to read the resource usage of processes")
	}
	const length = 300 * time.Millisecond
	l, err := newLab(t.Context(), plan{Extra: 1, Warmup: length, Scenario: scenarioPlan{Counted: length}}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	s := &setup{lab: l, ctx: t.Context(), r: &Results{}}
	defer func() {
		if s.stop(); l.close() != nil {
			t.Error("the lab didn't close")
		}
	}()
	broken := &subject{name: fourEco, start: func() *system {
		return s.add(func(*system) error { return errors.New("the store is gone") })
	}}
	subjects := append([]*subject{broken}, s.subjects(upEco, floorPart)...)
	for _, b := range subjects {
		b.rest(length)
		b.at(length, 50)
	}
	if err := s.visits(scenario, 1, subjects); err != nil {
		t.Fatal(err)
	}
	measured := s.r.series(scenario)
	if len(measured.Cells) != 6 {
		t.Fatalf("got %d cells, want 6: %+v", len(measured.Cells), measured.Cells)
	}
	for i := range measured.Cells {
		c := &measured.Cells[i]
		switch gone := strings.HasPrefix(c.Name, fourEco); {
		case gone && (c.Enough || c.Runs != 2 || c.Void[1] != "run 2: the store is gone"):
			t.Errorf("a system that doesn't start: %+v", c)
		case !gone && (c.Runs == 0 || c.Valid+len(c.Void) != c.Runs): // runs are void if the machine is busy
			t.Errorf("%d runs, %d valid: %+v", c.Runs, c.Valid, c)
		case c.Mix == "" && !gone && (!c.Enough || c.median(pss) <= 0 || c.has(storePSS)):
			t.Errorf("an idle system without a store: %+v", c)
		case c.Enough && c.Mix != "" && (c.median(cpu) <= 0 || c.median(pss) <= 0 || c.median(pssPeak) < c.median(pss)):
			t.Errorf("a step under load: %+v", c)
		}
	}
	if c := measured.cell(atRate(upEco, 50)); c.Floor != atRate(floorPart, 50) || c.Mix != familyMix {
		t.Errorf("the step is compared with the wrong floor: %+v", c)
	}
}
