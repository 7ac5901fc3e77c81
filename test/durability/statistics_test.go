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

// settling is how long statistics may take to become right, on a busy machine with a slow server; the actual time is
// logged.
const settling = 3 * time.Minute

// part is a process that fights or counts on a store, or both. It can be killed and restarted.
type part struct {
	start              func(*part)
	kill               func()
	fights, statistics string // the addresses of its services, "" if it has none
}

// TestAcknowledgedIsCounted kills parts in random order under load, and restarts them in random order.
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
	t.Run("two that fight and two that count, on MongoDB", func(t *testing.T) {
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
		// FerretDB reads all fights to change one, so there must be few.
		parts := []*part{{start: fights}, {start: fights}, {start: statistics}, {start: statistics}}
		countedInRounds(t, parts, 1, 30*time.Millisecond)
	})
}

// countedInRounds loads, kills and restarts, and checks each time that every fight is counted once. Clients pause
// between fights.
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
			time.Sleep(50*time.Millisecond + rand.N(200*time.Millisecond)) // the random moment
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
	t.Logf("%d rounds, %d kills: %d acknowledged, %d stored; right at most %s after the last part was ready",
		rounds, kills, ledger.acks(), len(ledger.stored), slowest.Round(time.Millisecond))
}

// settle waits until every counter matches the stored fights byte for byte, and returns how long that took.
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
				t.Errorf("%s is still wrong (-stored +counted):\n%s", part.statistics, diff)
				return took
			}
		}
	}
	return took
}

// expected returns the statistics that the stored fights must yield.
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
