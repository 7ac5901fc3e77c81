package performance

import (
	"fmt"
	"testing"
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

func TestSlowConnections(t *testing.T) {
	for rate, want := range map[float64]int{1: 1, 2: 1, 9.7: 1, 75: 7, 97: 9, 100: 10} {
		if got := slowConnections(rate); got != want {
			t.Errorf("%d connections at %g/s, want %d", got, rate, want)
		}
	}
}
