package measure

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"superheroes/bench/energy"
	"superheroes/bench/page/pagetest"
	"superheroes/bench/stat"
)

var update = flag.Bool("update", false, "regenerate the golden files")

// made returns a report with made-up runs of the floor server and two members, the second of which stores no fights.
func made() *Report {
	run := func(target string, round int, cpu, latency float64) Run {
		return Run{
			Target: target, Round: round, Started: time.Date(2026, 1, 2, 3, 4, 5+round, 0, time.UTC), Seconds: 10, Void: []string{},
			Throughput: 1e6 / cpu,
			Latency: Latency{Mean: latency, P50: latency, P90: 2 * latency, P95: 3 * latency, P99: 5 * latency, Max: 10 * latency,
				Percentiles: []Quantile{{0, latency / 2}, {50, latency}, {99, 5 * latency}}},
			Counts:      Counts{Done: 1200, Measured: 1000, Acknowledged: 1200, Requests: 1200, Sent: 120_000, Received: 1_320_000, Dialled: 32},
			Application: &Use{PIDs: []int{7}, Threads: 6, CPU: cpu, User: cpu / 2, System: cpu / 2, Cores: 0.5, IdleBefore: 0.001, IdleShare: 0.002, Voluntary: 1.5, ReadCalls: 2, WriteCalls: 1, Storage: 4096, RSSBefore: 20 << 20, RSSPeak: 24 << 20, RSSAfter: 22 << 20, PSSAfter: 21 << 20},
			Generator:   Generator{CPU: 5, Cores: 2, PerUnit: 12},
			Surroundings: Surroundings{Load: 0.25 * float64(round), Cores: 2, Strangers: 0.004, Steal: 0.001 * float64(round),
				Busiest: []Stranger{{9, "cron", 0.003}}},
			Measured: &MeasuredEnergy{Joules: 50, IdleWatts: 3, Net: 20, PerUnit: 2000},
		}
	}
	series := Series{
		Floor:   &Member{Name: floorName, Runs: []Run{run(floorName, 1, 20, 100), run(floorName, 2, 22, 110), run(floorName, 3, 18, 90)}},
		Members: []Member{{Name: "up", Profile: "strict", StoreNames: []string{"FerretDB 1.24"}, Runs: []Run{run("up", 1, 40, 300), run("up", 2, 44, 320)}}, {Name: "other", Profile: notTold, Runs: []Run{run("other", 1, 80, 900), run("other", 2, 84, 1000)}}},
	}
	for m := range series.Members {
		for r := range series.Members[m].Runs {
			run := &series.Members[m].Runs[r]
			run.Store = &Use{PIDs: []int{8}, CPU: 1113, User: 613, System: 500, RSSAfter: 100 << 20, PSSAfter: 90 << 20, Missing: []string{"system calls of process 8 (postgres)"}}
			run.Stored = &Stored{Checked: true, Acknowledged: 1200, Stored: 1200}
			if m == 1 {
				run.Stored.Stored = 0
				run.Void = []string{run.Stored.fault()}
			}
		}
	}
	series.Members[0].Runs[0].Counts.Unanswered = 1
	series.finish(energy.CloudCarbonFootprint())
	report := &Report{
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Version: "v1", Machine: Machine{"linux", "amd64", 2, "go1.26"},
		Plan: Plan{Mix: "execute_fight", Unit: "fight", Connections: 32, Seconds: 10, Warmup: 2, Rounds: 2, FloorProcs: 2, FloorSize: 1024,
			PinTarget: []int{0}, PinSelf: []int{1}},
		Energy: Tiers{Measuring{Zones: []string{"package-0"}}, energy.CloudCarbonFootprint()},
		Series: []Series{series}, Notes: []string{"a note"},
	}
	report.judge()
	return report
}

// TestGolden compares the outputs with golden files: the text with all figures, the HTML page without its plots and its
// JSON, the names of all figures, and a JSON report reduced to one run and one figure per member.
func TestGolden(t *testing.T) {
	report := made()
	golden(t, "report.txt", func(w io.Writer) error { return report.Text(w, true) })
	golden(t, "report.html", func(w io.Writer) error {
		var page strings.Builder
		err := report.HTML(&page)
		long := regexp.MustCompile(`(?s)<svg.*?</svg>|;base64,[^"]*`)
		_, _ = io.WriteString(w, long.ReplaceAllString(page.String(), "…")) // writing to memory can't fail
		return err
	})
	series := &report.Series[0]
	golden(t, "figures.txt", func(w io.Writer) error {
		for _, f := range series.Members[0].Figures {
			fmt.Fprintln(w, f.Name, f.Unit)
		}
		return nil
	})
	series.Members = series.Members[1:]
	for _, m := range []*Member{series.Floor, &series.Members[0]} {
		m.Runs, m.Figures = m.Runs[:1], m.Figures[:1]
	}
	ratios := series.Comparisons[0].Ratios
	series.Comparisons[0].Ratios = map[string]stat.Ratio{"cpu_us": ratios["cpu_us"]}
	golden(t, "report.json", report.JSON)
}

// golden compares the output of write with a golden file.
func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got strings.Builder
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	pagetest.Golden(t, *update, filepath.Join("testdata", name), got.String())
}

func TestErr(t *testing.T) {
	if err := made().Err(); !errors.Is(err, ErrVoid) || !strings.Contains(err.Error(), "other, round 1: STORES NOTHING") {
		t.Errorf("got %v", err)
	}
	if err := (&Report{}).Err(); err != nil {
		t.Errorf("got %v", err)
	}
	if err := (&Report{Void: true, Stopped: "no power"}).Err(); !errors.Is(err, ErrVoid) || !strings.Contains(err.Error(), "no power") {
		t.Errorf("got %v", err)
	}
}

// atRates returns made reports' series at two rates, in the open model.
func atRates() *Report {
	report := made()
	report.Series = append(report.Series, made().Series...)
	report.Series[0].Rate, report.Series[1].Rate = 9.7, 97
	return report
}

// stopped returns a report of a measurement that stopped early, although no run is void.
func stopped() *Report {
	report := made()
	report.Series[0].Members, report.Series[0].Comparisons = report.Series[0].Members[:1], nil
	report.Stopped = "no power"
	return report
}

// TestVoidText checks that the text of a void report says so in its first and last lines, and that the summary has no
// figures of the void member.
func TestVoidText(t *testing.T) {
	for name, report := range map[string]*Report{"closed model": made(), "rates": atRates(), "stopped early": stopped()} {
		for _, verbose := range []bool{false, true} {
			var text strings.Builder
			if err := report.Text(&text, verbose); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(text.String()), "\n")
			if first, last := lines[0], lines[len(lines)-1]; !strings.HasPrefix(first, "VOID: ") || last != first {
				t.Errorf("%s, verbose %t: the first line is %q, the last %q", name, verbose, first, last)
			}
		}
		for _, line := range report.Summary() {
			if strings.HasPrefix(line, "other") && (!strings.Contains(line, ": VOID, ") || strings.Contains(line, " us of ")) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	report := atRates()
	ours := &report.Series[1].Members[0]
	for i := range ours.Runs {
		ours.Runs[i].Latency = Latency{P50: 1600, P90: 7400, Max: 1e6}
	}
	slow := made()
	slow.Plan.Unit = "iteration"
	theirs := &slow.Series[0].Members[1]
	for i := range theirs.Runs {
		theirs.Uncovered = []string{"heroes"}
		theirs.Runs[i].Void, theirs.Runs[i].Store, theirs.Runs[i].Latency = nil, nil, Latency{Max: 100}
	}
	for _, r := range []*Report{report, slow} {
		for i := range r.Series {
			r.Series[i].finish(energy.CloudCarbonFootprint())
		}
	}
	for want, got := range map[string]string{
		"up strict at 97/s: p50 1.6 ms, p90 7.4 ms, 42 us of the services (2.1 x floor at 97/s) and 1,113 us of the stores is 1,155 us " +
			"of CPU a fight (58 x floor at 97/s), 21 MiB of the services and 90 MiB of the stores is 111 MiB": report.Summary()[2],
		"other: 12,200 iterations/s, too few iterations for a p50, 82 us of CPU an iteration (4.1 x floor), 21 MiB, not counting separate processes of heroes": slow.Summary()[1],
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestSumAsWritten checks that the summands add up to the sum as people read them.
func TestSumAsWritten(t *testing.T) {
	for _, c := range []struct {
		services, stores float64
		want             string
	}{
		{717.6, 1112.6, "718 us of the services and 1,113 us of the stores is 1,831 us"},
		{1.24, 0.14, "1.2 us of the services and 0.1 us of the stores is 1.3 us"},
		{9.96, 0.04, "10 us of the services and 0 us of the stores is 10 us"},
	} {
		m := Member{Figures: []Figure{{Name: "cpu_us", Median: c.services}, {Name: "store_cpu_us", Median: c.stores}}}
		if got := m.sum("cpu_us", "us", func(Figure) string { return "" }); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// TestIncompleteMemory checks that a report has no figure for memory if the memory of one of the processes is unknown.
func TestIncompleteMemory(t *testing.T) {
	report := made()
	ours := &report.Series[0].Members[0]
	ours.Runs[1].Store.Missing = []string{"memory of process 8 (postgres)"}
	report.Series[0].finish(energy.CloudCarbonFootprint())
	for figure, want := range map[string]bool{"pss_after_mib": true, "store_pss_after_mib": false, "together_pss_after_mib": false, "together_cpu_us": true} {
		if _, known := ours.Figure(figure); known != want {
			t.Errorf("%s is known: %t", figure, known)
		}
	}
}
