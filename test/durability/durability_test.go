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
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"superheroes/test/faulty"

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
func killed(t *testing.T, clients int, start func() running) (round int, err error) {
	t.Helper()
	ledger, floor := newLedger(true), ""
	defer func() {
		found := history.Check(ledger.operations, slices.Collect(maps.Values(ledger.stored)))
		t.Logf("%d acknowledged, %d stored, %d indeterminate, %d refused",
			found.OK, found.Stored, found.Indeterminate, found.Refused)
	}()
	run := start()
	for round = 1; round <= rounds; round++ {
		before, down := ledger.acks(), floor
		floor = ledger.newest()
		load := (&load{ledger: ledger, base: run.base, floor: floor}).start(t.Context(), clients)
		time.Sleep(200*time.Millisecond + rand.N(200*time.Millisecond)) // the random moment
		ledger.await(t, before+1)
		load.mortal.Store(true)
		run.kill()
		load.end()
		run = start()
		// Requests in flight in the previous round may have arrived since.
		if err := ledger.check(t.Context(), run.base, down); err != nil {
			return round, err
		}
	}
	return rounds, ledger.check(t.Context(), run.base, "")
}

// atOnce is how many tests run in parallel. Most of the time they wait, for a process to start and for its engines.
const atOnce = "4"

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", atOnce) // the default only; the flag exists
	os.Exit(m.Run())
}

// In each profile: strict writes every fight separately, eco several at once.
func TestAcknowledgedIsStored(t *testing.T) {
	t.Parallel()
	program := system.Build(t)
	for _, profile := range []string{"strict", "eco"} {
		args := append(patience(), "--profile="+profile)
		t.Run(profile+", one process on SQLite", func(t *testing.T) {
			t.Parallel()
			if round, err := killedOnSQLite(t, program, args...); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		})
		t.Run(profile+", four processes on real engines", func(t *testing.T) {
			t.Parallel()
			killedOnEngines(t, program, args)
		})
	}
}

func killedOnSQLite(t *testing.T, program string, args ...string) (round int, err error) {
	t.Helper()
	dir := t.TempDir()
	return killed(t, 8, func() running {
		s := system.Up(t, program, dir, args...)
		return running{s.Fights, s.Processes["fights"].Kill}
	})
}

func killedOnEngines(t *testing.T, program string, args []string) {
	stores := system.RealStores(t)
	s := system.Four(t, program, stores)
	s.Processes["fights"].Kill() // the first round starts another one
	round, err := killed(t, 3, func() running {
		return startFights(t, program, stores.Fights, args,
			"HEROES_URL="+s.Heroes, "VILLAINS_URL="+s.Villains, "LOCATIONS_URL="+s.Locations)
	})
	if err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}

// startFights starts a service of fights on MongoDB.
func startFights(t *testing.T, program, store string, args []string, env ...string) running {
	t.Helper()
	addr := system.FreeAddr(t)
	env = append(env, "ADDR="+addr, "MONGODB_URL="+store, "DRAIN_DELAY=0s")
	fights := system.Start(t, program, env, append([]string{"fights"}, args...)...)
	fights.Ready(t, "http://"+addr+"/readyz")
	return running{"http://" + addr, fights.Kill}
}

// The same rounds and check catch a build that acknowledges fights before it stores them.
func TestBrokenBuildIsCaught(t *testing.T) {
	t.Parallel()
	round, err := killedOnSQLite(t, faulty.Build(t, "chaos_acknowledge_early"))
	if !errors.Is(err, errLost) {
		t.Fatalf("not caught in %d rounds: %v", rounds, err)
	}
	t.Logf("caught in round %d: %v", round, err)
}
