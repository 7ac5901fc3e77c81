// Package durability proves that an acknowledged fight is stored exactly once, even if the server is killed at any
// moment.
//
// kill -9 proves this for the death of the process only: the kernel's page cache survives it, so a missing sync would
// go unnoticed here. The tests of the embedded store prove with strace that every commit waits for its sync. And
// where FerretDB stands in for MongoDB, nothing here says anything about MongoDB's write concern; that store's tests
// prove that the driver requests it.
package durability

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"superheroes/test/history"
	"superheroes/test/system"
)

// rounds is how often a server is killed.
const rounds = 20

// patience allows for more time than a list takes on a busy machine: FerretDB reads and sorts all fights for each
// page.
func patience() []string { return []string{"--deadline=30s", "--write-timeout=60s"} }

// running is a server of fights that can be killed.
type running struct {
	base string
	kill func()
}

// killed repeatedly loads, kills and restarts a server, and checks it after each restart; at the end it checks
// everything, from the newest fight to the oldest. It returns the round in which the check failed, and the error.
func killed(t *testing.T, rounds, clients int, start func() running) (round int, err error) {
	t.Helper()
	ledger, floor := newLedger(), ""
	defer func() {
		found := history.Check(ledger.operations, slices.Collect(maps.Values(ledger.stored)))
		t.Logf("%d acknowledged, %d stored, %d indeterminate, %d refused", found.OK, found.Stored, found.Indeterminate, found.Refused)
	}()
	run := start()
	for round = 1; round <= rounds; round++ {
		before, down := len(ledger.acknowledged), floor
		floor = ledger.newest()
		ledger.load(t, run.base, floor, clients, run.kill)
		if len(ledger.acknowledged) == before {
			t.Fatalf("round %d: nothing was acknowledged", round)
		}
		run = start()
		// Requests in flight in the previous round may have arrived since.
		if err := ledger.check(t.Context(), run.base, down); err != nil {
			return round, err
		}
	}
	return rounds, ledger.check(t.Context(), run.base, "")
}

// In each profile: strict writes every fight separately, eco several at once.
func TestAcknowledgedIsStored(t *testing.T) {
	program := system.Build(t)
	for _, profile := range []string{"strict", "eco"} {
		args := append(patience(), "--profile="+profile)
		t.Run(profile+", one process on SQLite", func(t *testing.T) { killedOnSQLite(t, program, args) })
		t.Run(profile+", four processes on real engines", func(t *testing.T) { killedOnEngines(t, program, args) })
	}
}

func killedOnSQLite(t *testing.T, program string, args []string) {
	dir := t.TempDir()
	round, err := killed(t, rounds, 8, func() running {
		s := system.Up(t, program, dir, args...)
		return running{s.Fights, s.Processes["fights"].Kill}
	})
	if err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}

func killedOnEngines(t *testing.T, program string, args []string) {
	stores := system.RealStores(t)
	s := system.Four(t, program, stores)
	s.Processes["fights"].Kill() // the first round starts another one
	round, err := killed(t, rounds, 3, func() running {
		addr := system.FreeAddr(t)
		fights := system.Start(t, program, []string{"ADDR=" + addr, "MONGODB_URL=" + stores.Fights, "DRAIN_DELAY=0s",
			"HEROES_URL=" + s.Heroes, "VILLAINS_URL=" + s.Villains, "LOCATIONS_URL=" + s.Locations}, append([]string{"fights"}, args...)...)
		fights.Ready(t, "http://"+addr+"/readyz")
		return running{"http://" + addr, fights.Kill}
	})
	if err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}

// The same rounds and check catch a service that isn't durable.
func TestBrokenTwinIsCaught(t *testing.T) {
	t.Run("acknowledge, then store", func(t *testing.T) {
		dir := t.TempDir()
		round, err := killed(t, rounds, 8, func() running { return start(t, dir, hasty) })
		if !errors.Is(err, errLost) {
			t.Fatalf("not caught in %d rounds: %v", rounds, err)
		}
		t.Logf("caught in round %d: %v", round, err)
	})
	t.Run("the same server, storing first", func(t *testing.T) {
		dir := t.TempDir()
		if round, err := killed(t, 3, 8, func() running { return start(t, dir, honest) }); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	})
}

// start runs this test binary as a server of fights.
func start(t *testing.T, dir, kind string) running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	addr := system.FreeAddr(t)
	server := system.Start(t, self, []string{kindVariable + "=" + kind}, addr, dir)
	server.Ready(t, "http://"+addr+"/readyz")
	return running{"http://" + addr, server.Kill}
}
