package durability

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/engines"
	"superheroes/test/history"
	"superheroes/test/system"
)

// settling is the time limit for the statistics to become correct. The limit is long enough for a busy machine and a
// server that lists fights slowly. The actual time is logged.
const settling = 3 * time.Minute

// part is a process that runs the fights service, the statistics service or both, and can be killed and restarted.
type part struct {
	start              func(*part)
	kill               func()
	fights, statistics string // base URLs of the services that the process runs; "" for a service that it doesn't run
}

// TestAcknowledgedIsCounted kills processes in random order under load, restarts them, and checks that each
// acknowledged fight is counted once.
func TestAcknowledgedIsCounted(t *testing.T) {
	t.Parallel()
	program := system.Build(t)
	t.Run("one process on SQLite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		up := func(p *part) {
			s := system.Up(t, program, dir)
			s.Processes["statistics"].Ready(t, s.Statistics+"/readyz")
			p.fights, p.statistics, p.kill = s.Fights, s.Statistics, s.Processes["fights"].Kill
		}
		countedInRounds(t, []*part{{start: up}}, 4, 0)
	})
	t.Run("two processes per service on MongoDB", func(t *testing.T) {
		t.Parallel()
		store := engines.MongoDB(t)
		fights := func(p *part) {
			run := startFights(t, program, store, patience())
			p.fights, p.kill = run.base, run.kill
		}
		statistics := func(p *part) {
			process, base := system.StatisticsOf(t, program, store, patience()...)
			p.statistics, p.kill = base, process.Kill
		}
		// FerretDB scans all fights for each change, so the number of fights must stay small.
		parts := []*part{{start: fights}, {start: fights}, {start: statistics}, {start: statistics}}
		countedInRounds(t, parts, 1, 30*time.Millisecond)
	})
}

// countedInRounds runs several rounds. In each round, it puts the processes under load, kills and restarts them, and
// checks that every fight is counted once. Each client pauses between its fights.
func countedInRounds(t *testing.T, parts []*part, clients int, pause time.Duration) {
	t.Helper()
	for _, part := range parts {
		part.start(part)
	}
	ledger := newLedger(false)
	var slowest time.Duration
	kills := 0
	for round := range rounds {
		var loads []*load
		for _, part := range parts {
			if part.fights != "" {
				load := &load{ledger: ledger, base: part.fights, pause: pause}
				load.mortal.Store(true)
				loads = append(loads, load.start(t.Context(), clients))
			}
		}
		order := rand.Perm(len(parts))
		if round > 0 {
			order = order[:1+rand.N(len(order))]
		}
		for _, i := range order {
			time.Sleep(50*time.Millisecond + rand.N(200*time.Millisecond)) // kill the process at a random moment
			parts[i].kill()
			kills++
		}
		for _, load := range loads {
			load.end()
		}
		for _, i := range order {
			parts[i].start(parts[i])
		}
		if slowest = max(slowest, settle(t, parts)); t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	if err := ledger.check(t.Context(), parts[0].fights, ""); err != nil || ledger.acks() == 0 {
		t.Errorf("%d fights acknowledged: %v", ledger.acks(), err)
	}
	t.Logf("%d rounds, %d kills: %d acknowledged, %d stored; statistics correct within %s of the restarts",
		rounds, kills, ledger.acks(), len(ledger.stored), slowest.Round(time.Millisecond))
}

// settle waits until the statistics of every part match the stored fights byte for byte, and returns how long that
// took.
func settle(t *testing.T, parts []*part) (took time.Duration) {
	t.Helper()
	begin := time.Now()
	for _, part := range parts {
		for part.statistics != "" {
			said, _, err := history.Get(t.Context(), part.statistics+"/api/statistics")
			answered := time.Since(begin)
			if err != nil {
				t.Logf("%s: %v", part.statistics, err) // a slow server
			}
			diff := cmp.Diff(string(expected(t, parts[0].fights)), string(said))
			if err == nil && diff == "" {
				took = max(took, answered)
				break
			}
			if time.Since(begin) > settling {
				t.Errorf("the statistics of %s are still wrong (-want +got):\n%s", part.statistics, diff)
				return took
			}
		}
	}
	return took
}

// expected returns the correct statistics for the stored fights.
func expected(t *testing.T, base string) []byte {
	t.Helper()
	listed, err := history.List(t.Context(), base, "")
	if err != nil {
		t.Fatal(err)
	}
	want, err := history.Statistics(listed)
	if err != nil {
		t.Fatal(err)
	}
	return want
}
