package durability

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"superheroes/internal/fight"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/test/engines"
	"superheroes/test/history"
	"superheroes/test/system"
)

// settling is how long statistics may take to become right, on a busy machine with a slow server; the actual time is
// logged.
const settling = 3 * time.Minute

// parts are processes that fight and count on one store, each of which can be killed and restarted.
type parts struct {
	start  map[string]func() (kill func(), base string) // by name
	kill   map[string]func()
	base   map[string]string
	fights []string // names of those that fight
	counts []string // names of those that count; in one process they are the same
}

func (p *parts) run(name string) { p.kill[name], p.base[name] = p.start[name]() }

// TestAcknowledgedIsCounted kills parts in random order under load, and restarts them in random order.
func TestAcknowledgedIsCounted(t *testing.T) {
	program := system.Build(t)
	t.Run("one process on SQLite", func(t *testing.T) {
		dir, statistics := t.TempDir(), ""
		p := parts{fights: []string{"up"}, counts: []string{"statistics"}}
		p.start = map[string]func() (func(), string){
			"up": func() (func(), string) {
				s := system.Up(t, program, dir)
				s.Processes["statistics"].Ready(t, s.Statistics+"/readyz")
				statistics = s.Statistics
				return s.Processes["fights"].Kill, s.Fights
			},
			"statistics": func() (func(), string) { return func() {}, statistics }, // in the same process
		}
		countedInRounds(t, &p, 4, 0)
	})
	t.Run("two that fight and two that count, on MongoDB", func(t *testing.T) {
		store := engines.MongoDB(t)
		fights := func() (func(), string) {
			addr := system.FreeAddr(t)
			process := system.Start(t, program, []string{"ADDR=" + addr, "MONGODB_URL=" + store, "DRAIN_DELAY=0s"}, append([]string{"fights"}, patience()...)...)
			process.Ready(t, "http://"+addr+"/readyz")
			return process.Kill, "http://" + addr
		}
		counts := func() (func(), string) {
			process, base := system.StatisticsOf(t, program, store, patience()...)
			return process.Kill, base
		}
		p := parts{fights: []string{"fights 1", "fights 2"}, counts: []string{"statistics 1", "statistics 2"}}
		p.start = map[string]func() (func(), string){"fights 1": fights, "fights 2": fights, "statistics 1": counts, "statistics 2": counts}
		countedInRounds(t, &p, 1, 30*time.Millisecond)
	})
}

// countedInRounds loads, kills and restarts, and checks each time that every fight is counted once. Clients pause
// between fights: FerretDB reads all fights to change one, so there must be few.
func countedInRounds(t *testing.T, p *parts, clients int, pause time.Duration) {
	t.Helper()
	p.kill, p.base = map[string]func(){}, map[string]string{}
	all := append(append([]string{}, p.fights...), p.counts...)
	for _, name := range all {
		p.run(name)
	}
	var acknowledged sync.Map
	var slowest time.Duration
	var last counted
	kills := 0
	for round := range rounds {
		var dead atomic.Bool
		var group sync.WaitGroup
		for i := range clients * len(p.fights) {
			group.Go(func() { fightOn(t.Context(), p.base[p.fights[i%len(p.fights)]], pause, &acknowledged, &dead) })
		}
		order := rand.Perm(len(all))[:1+rand.N(len(all))]
		if round == 0 {
			order = rand.Perm(len(all))
		}
		for _, i := range order {
			time.Sleep(50*time.Millisecond + rand.N(200*time.Millisecond)) // the random moment
			p.kill[all[i]]()
			kills++
		}
		dead.Store(true)
		group.Wait()
		if len(p.fights) == 1 { // its parts are one process
			order = []int{0, 1}
			p.kill[all[0]]()
		}
		for _, i := range order {
			p.run(all[i])
		}
		took, now := settle(t, p)
		if slowest, last = max(slowest, took), now; t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	stored := checkAcknowledged(t, p.base[p.fights[0]], &acknowledged)
	t.Logf("%d rounds, %d kills: %d acknowledged, %d stored, %d counted; right at most %s after the last part was ready",
		rounds, kills, stored.acknowledged, stored.all, last.Total, slowest.Round(time.Millisecond))
}

// fightOn requests fights until there is no response, or the others are dead.
func fightOn(ctx context.Context, base string, pause time.Duration, acknowledged *sync.Map, dead *atomic.Bool) {
	for n := 0; !dead.Load(); n++ {
		time.Sleep(pause)
		place := "null"
		if n%3 > 0 {
			place = fmt.Sprintf(`{"name":"place %d \u0022🌍"}`, n%12)
		}
		body := fmt.Sprintf(`{"hero":{"name":"hero %d","level":%d},"villain":{"name":"<villain %d>","level":1},"location":%s}`, n%13, n%3, n%7, place)
		request, err := http.NewRequest(http.MethodPost, base+"/api/fights", strings.NewReader(body))
		if err != nil {
			panic(err) // a fault of the test
		}
		status, answer, err := ask(ctx, request)
		if err != nil {
			return
		}
		var fought struct {
			ID string `json:"id"`
		}
		if status == http.StatusOK && json.Unmarshal(answer, &fought) == nil {
			acknowledged.Store(fought.ID, true)
		}
	}
}

// counted is a response of statistics.
type counted struct {
	Total int64 `json:"total"`
}

// settle waits until every counter matches the stored fights byte for byte, and returns how long that took.
func settle(t *testing.T, p *parts) (took time.Duration, last counted) {
	t.Helper()
	begin := time.Now()
	for _, name := range p.counts {
		for {
			said, _, err := history.Get(t.Context(), p.base[name]+"/api/statistics")
			answered := time.Since(begin)
			if err != nil {
				t.Logf("%s: %v", name, err) // a slow server
				said = nil
			}
			want := expected(t, p.base[p.fights[0]])
			diff := cmp.Diff(string(want), string(said))
			if diff == "" {
				took = max(took, answered)
				if err := json.Unmarshal(said, &last); err != nil {
					t.Fatal(err)
				}
				break
			}
			if time.Since(begin) > settling {
				t.Errorf("%s is still wrong (-stored +counted):\n%s", name, diff)
				return took, last
			}
		}
	}
	return took, last
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

type storedFights struct{ acknowledged, all int }

// checkAcknowledged fails the test if an acknowledged fight isn't stored.
func checkAcknowledged(t *testing.T, base string, acknowledged *sync.Map) (s storedFights) {
	t.Helper()
	listed, err := history.List(t.Context(), base, "")
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]bool{}
	for _, one := range listed {
		stored[one.ID] = true
	}
	s.all = len(stored)
	acknowledged.Range(func(id, _ any) bool {
		s.acknowledged++
		if !stored[id.(string)] {
			t.Errorf("%s was acknowledged and is not stored", id)
		}
		return true
	})
	if s.acknowledged == 0 {
		t.Error("nothing was acknowledged")
	}
	return s
}

// A counter that is off by one is noticed.
func TestExpectedSees(t *testing.T) {
	fights := statisticstest.Fights(20)
	right := statisticstest.Expect(fights).AppendJSON(nil)
	for name, wrong := range map[string][]fight.Fight{
		"one is missing": fights[1:], "one is counted twice": append(fights[:20:20], fights[3]), "another place": append(fights[:19:19], statisticstest.Fights(21)[20]),
	} {
		if bytes.Equal(statisticstest.Expect(wrong).AppendJSON(nil), right) {
			t.Errorf("%s: not noticed", name)
		}
	}
}
