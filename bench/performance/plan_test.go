package performance

import (
	"testing"
	"time"
)

func TestSlowPlan(t *testing.T) {
	p := slowPlan{3, 5 * time.Second, 10}
	for rate, want := range map[float64]struct {
		measured    time.Duration
		connections int
	}{1: {10 * time.Second, 1}, 2: {5 * time.Second, 1}, 10: {5 * time.Second, 1}, 75: {5 * time.Second, 7}, 100: {5 * time.Second, 10}} {
		if got := p.measured(rate); got != want.measured {
			t.Errorf("at %v/s a run takes %v, want %v", rate, got, want.measured)
		}
		if got := slowConnections(rate); got != want.connections {
			t.Errorf("at %v/s there are %d connections, want %d", rate, got, want.connections)
		}
	}
	if text := p.text(); text != "; at the family's rates, 3 valid runs of at least 5 s and 10 iterations" {
		t.Errorf("got %q", text)
	}
	if text := (slowPlan{}).text(); text != "" {
		t.Errorf("without a slow plan got %q", text)
	}
}
