package comparison

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/bench/measure"
)

// TestOrder checks that each round measures every member once, and that over as many rounds as there are members, each
// member is measured once at each place.
func TestOrder(t *testing.T) {
	for n := 1; n <= 5; n++ {
		places := map[[2]int]bool{}
		for round := 1; round <= n; round++ {
			for place, i := range order(n, round) {
				places[[2]int{place, i}] = true
			}
		}
		if len(places) != n*n {
			t.Errorf("%d members have only %d different places in %d rounds", n, len(places), n)
		}
	}
}

// fake is a member of the family that answers correctly while its process runs.
type fake struct {
	pid    string // file with the ID of the process that its start script starts
	loses  bool   // whether fights are acknowledged without being stored
	fights atomic.Int64
	stored atomic.Int64
}

// running reports whether the fake's process runs. A process that has exited may still be in /proc.
func (f *fake) running() bool {
	pid, _ := os.ReadFile(f.pid)
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	return err == nil && len(pid) > 0 && !strings.Contains(string(stat), ") Z ")
}

const (
	fakeFighters = `{"hero":{"id":1,"name":"Ada","level":7},"villain":{"id":2,"name":"Bob","level":3}}`
	fakeLocation = `{"id":1,"name":"Rome"}`
)

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if !f.running() {
		http.Error(w, "{}", http.StatusServiceUnavailable)
		return
	}
	switch r.Method + r.URL.Path {
	case "GET/api/fights/randomfighters":
		fmt.Fprint(w, fakeFighters)
	case "GET/api/fights/randomlocation":
		fmt.Fprint(w, fakeLocation)
	case "POST/api/fights":
		if !f.loses {
			f.stored.Add(1)
		}
		fmt.Fprintf(w, `{"id":"%d","winner_name":"Ada","winner_level":7,"winner_team":"heroes","loser_name":"Bob","loser_level":3,"loser_team":"villains"}`, f.fights.Add(1))
	case "GET/api/fights/count":
		fmt.Fprintf(w, `{"count":%d}`, f.stored.Load())
	default:
		http.NotFound(w, r)
	}
}

// member returns a description of the fake as a member whose start script starts a process that stands for its services.
func (f *fake) member(t *testing.T, name string) Runner {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to read the resource usage of processes")
	}
	f.pid = filepath.Join(t.TempDir(), "pid")
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return Runner{
		About:  About{Name: name, What: "w", Commit: "c", Configuration: "o"},
		Target: server.URL, Start: script{"sleep 1000 &", "echo $! >" + f.pid, "wait"}, Processes: script{"cat " + f.pid},
	}
}

// shortest is a plan for tests, which don't look at times.
var shortest = Plan{Rounds: 2, Duration: 100 * time.Millisecond, Idle: time.Millisecond, Least: 1, Attempts: 1}

// TestMeasure measures a member that stores its fights beside one that loses them. Each round starts with another
// member, and the processes of a member are stopped before the next one is started.
func TestMeasure(t *testing.T) {
	good, bad := &fake{}, &fake{loses: true}
	first, second := good.member(t, "good"), bad.member(t, "bad")
	second.Stores = []string{"S"}
	setup := Setup{Reference: "good", Stores: []Store{{Name: "S", Processes: script{fmt.Sprintf("echo %d", os.Getpid())}}}, Members: []Runner{first, second}}
	var order []string
	say := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		before, _, _ := strings.Cut(text, ":")
		if name, found := strings.CutSuffix(before, ", "+saturated); found {
			order = append(order, name)
			if good.running() && bad.running() {
				t.Error("both members run at the same time")
			}
		}
		t.Log(text)
	}
	kept := 0
	r, err := measureAll(t.Context(), setup, shortest, say, func(*Results) error { kept++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"round 1, good", "round 1, bad", "round 2, bad", "round 2, good"}; !slices.Equal(order, want) || kept != 2 {
		t.Errorf("the order is %v, want %v; the results were kept %d times", order, want, kept)
	}
	for i, m := range r.Members {
		if m.Score.Failed == 0 || len(m.Failures) > 0 {
			t.Errorf("%s: score %v, failures %v", m.Name, m.Score, m.Failures)
		}
		for _, l := range loads() {
			checkRuns(t, m, l, i == 1)
		}
	}
	if good.running() || bad.running() {
		t.Error("a member is still running")
	}
}

func checkRuns(t *testing.T, m Member, l load, loses bool) {
	t.Helper()
	if len(m.Runs[l.name]) != shortest.Rounds {
		t.Fatalf("%s, %s: %d runs", m.Name, l.name, len(m.Runs[l.name]))
	}
	for i, run := range m.Runs[l.name] {
		_, used := run.Figures[servicesPSS]
		_, idle := run.Figures[idlePSS]
		if run.Round != i+1 || run.Acknowledged+run.Dropped == 0 || !used || idle != (l.name == busy) {
			t.Errorf("%s, %s: got %+v", m.Name, l.name, run)
		}
		if lost := run.Stored < run.Acknowledged && strings.Contains(strings.Join(run.Faults, ""), "none were stored"); lost != loses && run.Acknowledged > 0 {
			t.Errorf("%s, %s: faults %v", m.Name, l.name, run.Faults)
		}
	}
}

// TestInterrupted checks that a comparison that is interrupted keeps the completed runs, and stops the member.
func TestInterrupted(t *testing.T) {
	f := &fake{}
	m := f.member(t, "only")
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	say := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); strings.HasPrefix(text, "round 1, only, "+calm) {
			once.Do(cancel)
		}
	}
	r, err := measureAll(ctx, Setup{Reference: "only", Members: []Runner{m}}, shortest, say, func(*Results) error { return nil })
	if !errors.Is(err, measure.ErrInterrupted) || r == nil {
		t.Fatalf("got %v, %v", r, err)
	}
	runs := r.Members[0].Runs
	if !r.Interrupted || len(runs[busy]) != 1 || len(runs[calm]) != 1 || len(runs[saturated]) != 0 {
		t.Errorf("got %+v", r)
	}
	if text, err := r.document(); err != nil || !strings.Contains(text, "The measurement was interrupted") {
		t.Errorf("%v; the page doesn't say that it was interrupted:\n%s", err, text)
	}
	if f.running() {
		t.Error("the member is still running")
	}
}

// TestFailingMembers checks that a member that can't be started is reported with the reason and the end of its output,
// before anything is measured.
func TestFailingMembers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Runner)
		says   []string
	}{
		{"its start script fails", func(m *Runner) { m.Target, m.Start = "http://127.0.0.1:1", script{"echo no database", "exit 3"} }, []string{"exit status 3", "no database"}},
		{"another process has its address", func(m *Runner) {
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, fakeFighters) }))
			t.Cleanup(other.Close)
			m.Target = other.URL
		}, []string{"another process already answers at http://127.0.0.1:"}},
		{"its processes are unknown", func(m *Runner) { m.Processes = script{"true"} }, []string{"printed no process ID"}},
		{"no process ID is printed", func(m *Runner) { m.Processes = script{"echo none"} }, []string{`printed "none\n"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := new(fake).member(t, "only")
			c.change(&m)
			r, err := measureAll(t.Context(), Setup{Members: []Runner{m}}, shortest, func(string, ...any) {}, nil)
			if r != nil || err == nil {
				t.Fatalf("got %v, %v", r, err)
			}
			for _, text := range append(c.says, "only") {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is missing from the error: %v", text, err)
				}
			}
		})
	}
}
