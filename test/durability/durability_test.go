// Package durability proves that an acknowledged fight is stored exactly once, even if the server is killed at any
// moment.
//
// kill -9 simulates only a crash of the process, not of the machine: the kernel's page cache survives, so
// these tests would not notice a missing sync. The tests of the embedded store prove with strace that every commit
// waits until its data is synced. Where FerretDB stands in for MongoDB, these tests don't cover MongoDB's write concern;
// the tests in internal/mongodb prove that the driver requests the write concern.
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

// rounds is the number of times that a server is killed.
const rounds = 20

// patience returns flags with time limits that are generous enough for listing fights on a busy machine: FerretDB
// reads and sorts all fights for each page.
func patience() []string { return []string{"--deadline=30s", "--write-timeout=60s"} }

// running is a running fights service that can be killed.
type running struct {
	base string
	kill func()
}

// killInRounds runs several rounds. In each round, it puts a server under load, kills and restarts the server, and
// checks the latest fights. After the last round, killInRounds checks all fights. It returns the round in which a check
// failed, and the error.
func killInRounds(t *testing.T, clients int, start func() running) (round int, err error) {
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
		time.Sleep(200*time.Millisecond + rand.N(200*time.Millisecond)) // kill the server at a random moment
		ledger.await(t, before+1)
		load.mortal.Store(true)
		run.kill()
		load.end()
		run = start()
		// The check includes the previous round, because a fight that was in flight when the server was killed may have
		// been stored later.
		if err := ledger.check(t.Context(), run.base, down); err != nil {
			return round, err
		}
	}
	return rounds, ledger.check(t.Context(), run.base, "")
}

// atOnce is how many tests run in parallel. The tests spend most of their time waiting for processes and database
// engines to start.
const atOnce = "4"

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", atOnce) // only a default; the command line overrides it
	os.Exit(m.Run())
}

// TestAcknowledgedIsStored tests both profiles: strict writes each fight separately, eco writes several in one
// transaction.
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
		t.Run(profile+", four processes on database servers", func(t *testing.T) {
			t.Parallel()
			killedOnEngines(t, program, args)
		})
	}
}

func killedOnSQLite(t *testing.T, program string, args ...string) (round int, err error) {
	t.Helper()
	dir := t.TempDir()
	return killInRounds(t, 8, func() running {
		s := system.Up(t, program, dir, args...)
		return running{s.Fights, s.Processes["fights"].Kill}
	})
}

func killedOnEngines(t *testing.T, program string, args []string) {
	stores := system.RealStores(t)
	s := system.Four(t, program, stores)
	s.Processes["fights"].Kill() // the first round starts its own fights service
	round, err := killInRounds(t, 3, func() running {
		return startFights(t, program, stores.Fights, args,
			"HEROES_URL="+s.Heroes, "VILLAINS_URL="+s.Villains, "LOCATIONS_URL="+s.Locations)
	})
	if err != nil {
		t.Errorf("round %d: %v", round, err)
	}
}

// startFights starts a fights service on MongoDB.
func startFights(t *testing.T, program, store string, args []string, env ...string) running {
	t.Helper()
	addr := system.FreeAddr(t)
	env = append(env, "ADDR="+addr, "MONGODB_URL="+store, "DRAIN_DELAY=0s")
	fights := system.Start(t, program, env, append([]string{"fights"}, args...)...)
	fights.Ready(t, "http://"+addr+"/readyz")
	return running{"http://" + addr, fights.Kill}
}

// TestBrokenBuildIsCaught checks that the kill rounds catch a build that acknowledges fights before storing them.
func TestBrokenBuildIsCaught(t *testing.T) {
	t.Parallel()
	round, err := killedOnSQLite(t, faulty.Build(t, "chaos_acknowledge_early"))
	if !errors.Is(err, errLost) {
		t.Fatalf("the broken build was not caught in %d rounds: %v", rounds, err)
	}
	t.Logf("caught in round %d: %v", round, err)
}
