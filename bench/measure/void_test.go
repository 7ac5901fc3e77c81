package measure

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain runs the floor server instead of the tests if the test binary's first argument is "floor".
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "floor" {
		size, err := strconv.Atoi(os.Args[2])
		if err == nil {
			err = ServeFloor(size, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mix    string
		fights bool
	}{
		{"execute_fight", true},
		{"family", true},
		{"random_hero:2,execute_fight:1", true},
		{"randomfighters", false},
		{"randomlocation", false},
		{"random_location", false},
		{"livez", false},
	} {
		t.Run(c.mix, func(t *testing.T) {
			t.Parallel() // the runs spend most of their time waiting
			m := &member{}
			m.before = func(_ http.ResponseWriter, n int) bool {
				if n == 11 {
					m.busy.Store(2) // the first two counts after the run fail
				}
				return false
			}
			run := measure(t, quick(t, c.mix, m.start(t)))
			if len(run.Void) > 0 {
				t.Errorf("void: %q", run.Void)
			}
			if run.Counts.Measured != 50 || run.Throughput == 0 || run.Latency.P50 == 0 || run.Counts.Sent == 0 || run.Counts.Received == 0 {
				t.Errorf("the run lacks figures: %+v", run)
			}
			if (run.Stored != nil) != c.fights {
				t.Fatalf("stored: %+v", run.Stored)
			}
			if s := run.Stored; s != nil && (!s.Checked || s.Stored == 0 || s.Stored != s.Acknowledged) {
				t.Errorf("stored: %+v", s)
			}
		})
	}
}

// TestVoid measures faulty members and checks that each run is void for the right reason.
func TestVoid(t *testing.T) {
	t.Parallel()
	every := func(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }
	spoiled := func(field string, value any) *member {
		return &member{spoil: func(n int, fight map[string]any) {
			if every(10)(n) {
				fight[field] = value
			}
		}}
	}
	forgets := &member{noList: true}
	forgets.before = func(_ http.ResponseWriter, n int) bool {
		forgets.silent.Store(n > 10)
		return false
	}
	slow := &member{}
	slow.before = func(_ http.ResponseWriter, n int) bool {
		if n > 10 {
			slow.busy.Store(1 << 40)
		}
		return false
	}
	for _, c := range []struct {
		name   string
		member *member
		mix    string
		reason string
	}{
		{"too slow to count its fights", slow, "execute_fight", "by /api/fights/count: no count of fights yet: status 503, the database is slow; to count them"},
		{"stops counting its fights", forgets, "execute_fight", "could be counted before the run but not after"},
		{"stores nothing", &member{copies: func(int) int { return 0 }}, "execute_fight", "STORES NOTHING"},
		{"loses one fight", &member{copies: func(n int) int { return min(1, max(n-10, 10-n)) }}, "execute_fight", "but only"},
		{"stores one fight twice", &member{copies: func(n int) int { return max(1, min(n-8, 12-n)) }}, "execute_fight", "without a response explain"},
		{"loses posted fights", &member{copies: func(n int) int { return n % 2 }}, "family", "but only"},
		{"closes the connection", &member{before: func(w http.ResponseWriter, n int) bool {
			if every(10)(n) {
				breakOff(w)
			}
			return every(10)(n)
		}}, "execute_fight", "got no response; first: /api/fights/execute_fight: no complete response"},
		{"responds with status 503", &member{before: func(w http.ResponseWriter, n int) bool {
			if every(10)(n) {
				http.Error(w, "sorry", http.StatusServiceUnavailable)
			}
			return every(10)(n)
		}}, "family", "status 503, sorry"},
		{"the wrong fighter wins", spoiled("winner_level", 6), "execute_fight", "hero of level 7, villain of level 6, but \"villains\" won"},
		{"fighters who were not in the request", spoiled("loser_name", "Somebody"), "family", "between fighters other than those sent"},
		{"a hero who did not fight", spoiled("hero", fighterOf("Somebody", 7)), "execute_fight", "did not fight"},
		{"another location", spoiled("location", map[string]any{"name": "Nowhere"}), "family", "at a location other than"},
		{"no team", spoiled("winner_team", nil), "execute_fight", "between the teams"},
		{"a repeated id", &member{spoil: func(_ int, fight map[string]any) { fight["id"] = "same" }}, "execute_fight", "the same id as the previous fight"},
		{"no id", spoiled("id", ""), "execute_fight", "without an id"},
		{"a non-numeric level", spoiled("winner_level", "high"), "execute_fight", "name or level is missing or invalid"},
		{"a fallback name", spoiled("winner_name", "Fallback Hero"), "execute_fight", "name or level is missing or invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // the runs spend most of their time waiting
			report, err := Members(t.Context(), quick(t, c.mix, c.member.start(t)))
			if err != nil {
				t.Fatal(err)
			}
			if !report.Void || report.Err() == nil {
				t.Error("the report is not void")
			}
			reasons := report.Series[0].Members[0].Void
			if !strings.Contains(strings.Join(reasons, "\n"), c.reason) {
				t.Errorf("void reasons are %q, want %q among them", reasons, c.reason)
			}
			var text strings.Builder
			if err := report.Text(&text, true); err != nil || !strings.Contains(text.String(), "  VOID: round 1: ") {
				t.Errorf("the text report is not marked void: %v\n%s", err, text.String())
			}
		})
	}
}

// TestSurplus measures a member that stores some fights without sending a response. Extra stored fights are not a fault
// if there were at least as many requests without a response.
func TestSurplus(t *testing.T) {
	t.Parallel()
	m := &member{}
	m.before = func(w http.ResponseWriter, n int) bool {
		if n%10 != 0 {
			return false
		}
		m.decide(n, fighterOf("a", 1), fighterOf("b", 2), nil)
		breakOff(w)
		return true
	}
	run := measure(t, quick(t, "execute_fight", m.start(t)))
	s := run.Stored
	if s.Uncertain == 0 || s.Stored != s.Acknowledged+s.Uncertain || s.fault() != "" {
		t.Errorf("stored %+v: %s", s, s.fault())
	}
}

// TestCannotTell measures members that don't report a fight count: some let clients page through the fights, others
// don't.
func TestCannotTell(t *testing.T) {
	t.Parallel()
	pages := make([]string, 2*pageSize+1) // ids of existing fights, enough for several pages
	for i := range pages {
		pages[i] = fmt.Sprintf("%010d", i)
	}
	for _, c := range []struct {
		name    string
		member  *member
		checked bool
		says    string
	}{
		{"paging but no count", &member{noCount: true, fights: pages}, true, " stored"},
		{"neither a count nor paging", &member{noCount: true, noList: true}, false, "CANNOT BE CHECKED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			report, err := Members(t.Context(), quick(t, "execute_fight", c.member.start(t)))
			if err != nil {
				t.Fatal(err)
			}
			m := report.Series[0].Members[0]
			s := m.Runs[0].Stored
			var text strings.Builder
			if err := report.Text(&text, false); err != nil || strings.HasPrefix(text.String(), "UNCHECKED: ") == (c.checked || report.Void) {
				t.Errorf("%v, wrong verdict:\n%s", err, text.String())
			}
			if s.Checked != c.checked || s.fault() != "" || !strings.Contains(m.Stores, c.says) {
				t.Errorf("the count of stored fights, %+v, is reported as %q", s, m.Stores)
			}
			if why := "/api/fights/count: no count of fights: status 404"; !c.checked && !strings.Contains(s.Why, why) {
				t.Errorf("the reason is %q, want it to contain %q", s.Why, why)
			}
			if c.checked && (s.Stored == 0 || s.Stored != s.Acknowledged) {
				t.Errorf("stored fights are %+v, want as many as were acknowledged", s)
			}
		})
	}
}

// TestStall measures a target that stalls once, in the open model. The latency of iterations that come due during the
// stall must count from when they are due: a generator that started them late without counting the delay would report
// one slow response and a good 90th percentile. Iterations that wait too long must be dropped.
func TestStall(t *testing.T) {
	t.Parallel()
	const stall = 400 * time.Millisecond
	stalled := func(maxWait time.Duration) Run {
		m := &member{before: func(_ http.ResponseWriter, n int) bool {
			if n == 20 {
				time.Sleep(stall)
			}
			return false
		}}
		o := quick(t, "execute_fight", m.start(t))
		o.Connections, o.Warmup, o.Duration, o.MaxWait = 1, 0, time.Second, maxWait
		return measure(t, o)
	}
	run := stalled(time.Minute)
	if run.Counts.Measured != 100 || run.Counts.Dropped != 0 {
		t.Errorf("%d iterations were measured and %d dropped, want 100 and 0", run.Counts.Measured, run.Counts.Dropped)
	}
	// Of 100 iterations, 40 come due during the stall, and the first 20 of those wait for at least half the stall.
	if want := float64((stall / 2).Microseconds()); run.Latency.P90 < want {
		t.Errorf("p90 is %.0f us, want at least %.0f: the latencies don't include the stall", run.Latency.P90, want)
	}
	run = stalled(50 * time.Millisecond)
	if c := run.Counts; c.Dropped < 20 || c.Dropped+c.Measured != 100 {
		t.Errorf("%d iterations were dropped and %d measured, want at least 20 dropped and 100 in total",
			c.Dropped, c.Measured)
	}
	if len(run.Void) != 1 || !strings.Contains(run.Void[0], "iterations were dropped") {
		t.Errorf("void: %q", run.Void)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := &member{before: func(_ http.ResponseWriter, n int) bool {
		if n == 21 { // the first one is not part of the run
			cancel()
		}
		return false
	}}
	o := quick(t, "execute_fight", m.start(t))
	o.Duration, o.Rounds = time.Hour, 5
	report, err := Members(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	runs := report.Series[0].Members[0].Runs
	if len(runs) != 1 || runs[0].Void[0] != "interrupted" || !report.Void {
		t.Errorf("%d runs, void %q", len(runs), runs[0].Void)
	}
	if s := runs[0].Stored; s.Stored < 20 || s.fault() != "" {
		t.Errorf("stored: %+v", s)
	}
	var text strings.Builder
	o.Targets = append(o.Targets, Target{Name: "never measured", URLs: o.Targets[0].URLs})
	if report, err = Members(ctx, o); err != nil {
		t.Fatal(err)
	}
	if err := report.JSON(&text); err != nil || strings.Contains(text.String(), "null") {
		t.Errorf("error %v, or null instead of a list in\n%s", err, text.String())
	}
}

func TestTargetThatDoesNotRespond(t *testing.T) {
	for _, mix := range []string{"execute_fight", "random_hero"} {
		target := Target{Name: "gone", URLs: map[Service]string{"": "http://127.0.0.1:1"}}
		if report, err := Members(t.Context(), quick(t, mix, target)); err == nil || !strings.Contains(err.Error(), "gone") {
			t.Errorf("%s: got %+v, %v", mix, report, err)
		}
	}
}

// A run that is too short for p99 isn't judged by its latest iterations.
func TestLateness(t *testing.T) {
	for _, c := range []struct {
		iterations, late int64
		want             Quantile // with a precision of 1 us
	}{
		{1000, 10, Quantile{99, 10}}, {1000, 11, Quantile{99, 5000}},
		{582, 29, Quantile{95, 10}}, {582, 30, Quantile{95, 5000}},
		{150, 15, Quantile{90, 10}}, {30, 15, Quantile{50, 10}}, {30, 16, Quantile{50, 5000}}, {3, 1, Quantile{50, 10}},
	} {
		h := newHistogram()
		for i := range c.iterations {
			late := 10 * time.Microsecond
			if i < c.late {
				late = 5 * time.Millisecond
			}
			if err := h.RecordValue(int64(late)); err != nil {
				t.Fatal(err)
			}
		}
		got := latenessOf(h)
		if got.Micros = math.Round(got.Micros/10) * 10; got != c.want {
			t.Errorf("%d of %d iterations late: got %+v, want %+v", c.late, c.iterations, got, c.want)
		}
	}
}

// TestLimits checks each limit that applies to the load generator. TestSurroundings checks the limit for other
// processes.
func TestLimits(t *testing.T) {
	fine := Run{Seconds: 10, Counts: Counts{Measured: 1000}, Generator: Generator{CPU: 17, Cores: 2, Late: Quantile{99, 990}}}
	for _, c := range []struct {
		name   string
		rate   float64
		change func(*Run)
		says   string
	}{
		{"fine", 0, func(*Run) {}, ""},
		{"fine at a rate", 100, func(*Run) {}, ""},
		{"late", 100, func(r *Run) { r.Generator.Late.Micros = 1250 }, "1% of iterations started at least 1.25 ms late (limit 1 ms)"},
		{"late without a schedule", 0, func(r *Run) { r.Generator.Late.Micros = 1250 }, ""},
		{"busy", 0, func(r *Run) { r.Generator.CPU = 19 }, "used 1.9 of its 2 cores"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := fine
			c.change(&run)
			got := strings.Join(measurement{rate: c.rate}.disturbances(run), "; ")
			if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
				t.Errorf("got %q, want %q", got, c.says)
			}
		})
	}
}
