package measure

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"superheroes/bench/proc"
)

// TestSeries measures the floor server and two fake members in turn.
func TestSeries(t *testing.T) {
	o := quick(t, "execute_fight", new(member).start(t))
	versus := new(member).start(t)
	versus.Name = "other"
	o.Targets = append(o.Targets, versus)
	o.Rates, o.Rounds, o.Floor, o.FloorProcs = nil, 2, []string{os.Args[0], "floor"}, 1
	var told []string
	o.Duration = 300 * time.Millisecond
	o.Progress = func(what string, _, _ time.Duration) {
		if !slices.Contains(told, what) {
			told = append(told, what)
		}
	}
	report, err := Members(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := report.Series[0]
	if len(s.Floor.Runs) != 3 || len(s.Members[0].Runs) != 2 || len(s.Members[1].Runs) != 2 {
		t.Fatalf("got %d runs of the floor server, and %d and %d runs of the members",
			len(s.Floor.Runs), len(s.Members[0].Runs), len(s.Members[1].Runs))
	}
	var order []time.Time
	for _, run := range []Run{s.Floor.Runs[0], s.Members[0].Runs[0], s.Members[1].Runs[0], s.Floor.Runs[1], s.Members[0].Runs[1], s.Members[1].Runs[1], s.Floor.Runs[2]} {
		order = append(order, run.Started)
	}
	if !slices.IsSortedFunc(order, time.Time.Compare) {
		t.Errorf("the runs did not alternate: they started at %v", order)
	}
	if want := []string{"floor, round 1 of 2", "member, round 1 of 2", "other, round 1 of 2", "floor, round 2 of 2", "member, round 2 of 2", "other, round 2 of 2"}; !slices.Equal(told, want) {
		t.Errorf("progress %q, want %q", told, want)
	}
	throughput, ok := s.Members[0].Figure("throughput")
	if !ok || len(throughput.Values) != 2 || throughput.ToFloor == nil || throughput.ToFloor.OfMedians <= 0 {
		t.Errorf("throughput: %+v", throughput)
	}
	ratio := s.Comparisons[0].Ratios["latency_p50_us"]
	if s.Comparisons[0].Name != "other" || s.Comparisons[0].To != "member" || ratio.OfMedians <= 0 || ratio.Interval.Confidence != 0.5 {
		t.Errorf("comparisons: %+v", s.Comparisons)
	}
	if runtime.GOOS == "linux" {
		if cpu, ok := s.Floor.Figure("cpu_us"); !ok || cpu.Median <= 0 {
			t.Errorf("the floor server's CPU figure is %+v", cpu)
		}
		if u := s.Floor.Runs[0].Application; len(u.Trees) != 1 || u.Trees[0] != (Tree{u.PIDs[0], u.CPU}) {
			t.Errorf("the floor server's CPU usage by process is %+v, in total %+v", u.Trees, u)
		}
	}
	if profile := s.Members[0].Profile; profile != "eco" {
		t.Errorf("profile %q", profile)
	}
	if report.Plan.FloorSize < 300 || report.Plan.FloorProcs != 1 {
		t.Errorf("plan: %+v", report.Plan)
	}
}

// TestRates checks that each rate has its own series with the right number of iterations.
func TestRates(t *testing.T) {
	t.Parallel()
	o := quick(t, "family", new(member).start(t))
	o.Rates, o.Duration = []float64{20, 100}, 500*time.Millisecond
	report, err := Members(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{10, 50} {
		run := report.Series[i].Members[0].Runs[0]
		if report.Series[i].Rate != o.Rates[i] || run.Counts.Measured+run.Counts.Dropped != want {
			t.Errorf("rate %v: %d measured, %d dropped; want %d", report.Series[i].Rate, run.Counts.Measured, run.Counts.Dropped, want)
		}
	}
}

// TestComparisonOfUnequalWork checks that a comparison says why two members did not do equal work.
func TestComparisonOfUnequalWork(t *testing.T) {
	good := Member{Name: "good", Profile: "eco", Stores: "3 acknowledged, 3 stored"}
	for _, c := range []struct {
		profile, stores string
		void            []string
		want            string
	}{
		{"eco", "4 acknowledged, 4 stored", nil, ""},
		{notTold, "4 acknowledged, 4 stored", nil, ""},
		{"eco", "CANNOT BE CHECKED: no", []string{"x"}, "other is VOID; it is unknown whether other stores its fights"},
	} {
		other := Member{Name: "other", Profile: c.profile, Stores: c.stores, Void: c.void}
		for _, got := range []string{compare(other, good).Equal, compare(good, other).Equal} {
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		}
	}
	strictly := Member{Name: "other", Profile: "strict"}
	if got, want := compare(strictly, good).Equal, "good runs in profile eco, other in profile strict"; got != want {
		t.Errorf("with different profiles: got %q, want %q", got, want)
	}
}

// TestPinning pins this process and the floor server to the first core, and checks that the pinning is undone
// afterwards.
func TestPinning(t *testing.T) {
	before, err := proc.Cores(0)
	if err != nil {
		t.Skip(err)
	}
	o := quick(t, "execute_fight", new(member).start(t))
	o.PinSelf, o.PinTarget, o.Floor = before[:1], before[:1], []string{os.Args[0], "floor"}
	report, err := Members(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if cores := report.Series[0].Members[0].Runs[0].Generator.Cores; cores != 1 {
		t.Errorf("during the run, the generator could use %v cores, want 1", cores)
	}
	if after, err := proc.Cores(0); err != nil || !slices.Equal(after, before) {
		t.Errorf("afterwards got cores %v, %v; want %v", after, err, before)
	}
}

func TestBadOptions(t *testing.T) {
	here := Target{Name: "a", URLs: map[Service]string{Fights: "http://127.0.0.1:1"}}
	for _, c := range []struct {
		name   string
		change func(*Options)
		says   string
	}{
		{"zero duration", func(o *Options) { o.Duration = 0 }, "--duration, BENCH_DURATION"},
		{"two targets with the same name", func(o *Options) { o.Targets = append(o.Targets, here) }, "duplicate target name a"},
		{"a target with the floor server's name", func(o *Options) { o.Targets[0].Name, o.Floor = "floor", []string{"x"} }, "duplicate target name floor"},
		{"a mix that needs a service whose address isn't given", func(o *Options) { o.Mix, _ = ParseMix("random_hero") }, "random_hero needs the address of heroes"},
		{"a process that doesn't exist", func(o *Options) { o.Targets[0].PIDs = []int{1 << 30} }, "no process"},
		{"a core that doesn't exist", func(o *Options) { o.PinSelf = []int{1000} }, "core"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := quick(t, "execute_fight", here)
			c.change(&o)
			_, err := Members(t.Context(), o)
			var usage UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.says) {
				if runtime.GOOS != "linux" && strings.Contains(c.name, "that doesn't exist") {
					t.Skip("this system does not report processes and cores:", runtime.GOOS)
				}
				t.Errorf("got %v, want a usage error containing %q", err, c.says)
			}
		})
	}
}

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		text, name, fights, heroes string
		pids, stores               int
	}{
		{"http://h:1", "http://h:1", "http://h:1", "http://h:1", 0, 0},
		{"http://h:1/", "http://h:1", "http://h:1", "http://h:1", 0, 0},
		{"fights=http://h:1,heroes=http://h:2,name=ours", "ours", "http://h:1", "http://h:2", 0, 0},
		{"heroes=http://h:2,url=http://h:9", "http://h:2", "http://h:9", "http://h:2", 0, 0},
		{"url=http://h:1,pid=7,pid=8,store-pid=9,store=FerretDB 1.24", "http://h:1", "http://h:1", "http://h:1", 2, 1},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := ParseTarget(c.text)
			if err != nil || got.Name != c.name || got.URL(Fights) != c.fights || got.URL(Heroes) != c.heroes ||
				len(got.PIDs) != c.pids || len(got.StorePIDs) != c.stores || len(got.StoreNames) != c.stores {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	for _, text := range []string{"", "nonsense", "name=x", "pid=1", "fights=h:1", "url=http://h,pid=x", "url=http://h,pid=0", "dogs=http://h:1", "http://h:1,http://h:2"} {
		if got, err := ParseTarget(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestParseMix(t *testing.T) {
	mix, err := ParseMix("execute_fight:2,random_hero")
	if err != nil || len(mix.turns) != 3 || mix.turns[1].name != "execute_fight" || mix.turns[2].name != "random_hero" || mix.unit() != "iteration" || !mix.fights() {
		t.Errorf("got %+v, %v", mix, err)
	}
	if family, err := ParseMix("family"); err != nil || family.unit() != "fight" {
		t.Errorf("got %+v, %v", family, err)
	}
	for _, text := range []string{"", "nonsense", "family:0", "family:x", "family:1001", "family,"} {
		if got, err := ParseMix(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

// TestTargetThatDies checks that if a target dies, the report contains the runs made so far and is marked void with the
// reason.
func TestTargetThatDies(t *testing.T) {
	t.Parallel()
	living, counts := new(member), 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/fights/count" {
			if counts++; counts == 4 { // the fight count at the end of the second round
				_ = server.Listener.Close()
				panic(http.ErrAbortHandler)
			}
		}
		living.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o := quick(t, "execute_fight", Target{Name: "mortal", URLs: map[Service]string{"": server.URL}})
	o.Rounds = 3
	report, err := Members(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if runs := report.Series[0].Members[0].Runs; len(runs) != 2 || !report.Void {
		t.Errorf("%d runs, void: %t", len(runs), report.Void)
	}
	if verdict := report.verdict(); !strings.HasPrefix(verdict, "VOID: the measurement stopped early: ") || !strings.Contains(verdict, "mortal") {
		t.Errorf("got %s", verdict)
	}
	if err := report.HTML(io.Discard); err != nil {
		t.Error(err)
	}
}
