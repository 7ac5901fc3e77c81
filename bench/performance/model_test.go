package performance

import (
	"fmt"
	"testing"
	"time"
)

// TestFirst covers each resource that can be the first to run out. The golden documents cover the rest of the model.
func TestFirst(t *testing.T) {
	usual := unitCosts{Fights: 100, Catalogs: 60, FightStore: 390, Storage: 3000, Wire: 10_000, Packets: 12}
	large, chatty, slow := usual, usual, usual
	large.Storage = 100_000
	chatty.Packets = 1000
	slow.Fights = 1000
	for want, costs := range map[string]unitCosts{
		"fight store, CPU, 4 nodes": usual, "fight store, bytes written, 10 nodes": large,
		"network of a fights node, packets, 50 nodes": chatty, "fights, CPU, 9 nodes": slow,
	} {
		first := costs.forecast(100_000).First()
		if got := fmt.Sprintf("%s, %s, %s", first.Name, first.Why, first); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSlowPlan(t *testing.T) {
	p := slowPlan{3, 5 * time.Second, 10}
	for _, c := range []struct {
		rate        float64
		measured    time.Duration
		connections int
	}{{1, 10 * time.Second, 1}, {2, 5 * time.Second, 1}, {75, 5 * time.Second, 7}, {100, 5 * time.Second, 10}} {
		if got := p.measured(c.rate); got != c.measured {
			t.Errorf("a run at %v/s takes %v, want %v", c.rate, got, c.measured)
		}
		if got := slowConnections(c.rate); got != c.connections {
			t.Errorf("at %v/s there are %d connections, want %d", c.rate, got, c.connections)
		}
	}
}
