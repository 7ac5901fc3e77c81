package measure

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/bench/energy"
	"superheroes/bench/stat"
)

var update = flag.Bool("update", false, "regenerate the golden files")

// made returns a report with made-up runs of the floor server and two members, the second of which stores no fights.
func made() *Report {
	run := func(target string, round int, cpu, latency float64) Run {
		return Run{
			Target: target, Round: round, Started: time.Date(2026, 1, 2, 3, 4, 5+round, 0, time.UTC), Seconds: 10, Void: []string{},
			Throughput: 1e6 / cpu,
			Latency: Latency{Mean: latency, P50: latency, P90: 2 * latency, P99: 5 * latency, P999: 9 * latency, Max: 10 * latency,
				Percentiles: []Quantile{{0, latency / 2}, {50, latency}, {99, 5 * latency}, {100, 10 * latency}}},
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
		Members: []Member{{Name: "up", Profile: "strict", Runs: []Run{run("up", 1, 40, 300), run("up", 2, 44, 320)}}, {Name: "other", Profile: notTold, Runs: []Run{run("other", 1, 80, 900), run("other", 2, 84, 1000)}}},
	}
	for m := range series.Members {
		for r := range series.Members[m].Runs {
			run := &series.Members[m].Runs[r]
			run.Store = &Use{PIDs: []int{8}, CPU: 10, User: 6, System: 4, RSSAfter: 100 << 20, Missing: []string{"system calls of process 8 (postgres)"}}
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

// TestGolden compares three outputs with golden files: a complete text report, the names of all figures, and a JSON
// report reduced to one run and one figure per member.
func TestGolden(t *testing.T) {
	report := made()
	golden(t, "report.txt", report.Text)
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

// golden compares the output of write with a golden file. If -update is set, it first overwrites that file.
func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got strings.Builder
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s is out of date; to update it: go test -C bench ./measure -run Golden -update\n%s", path, diff)
	}
}

func TestSave(t *testing.T) {
	rates := made()
	rates.Series = append(rates.Series, made().Series...)
	rates.Series[0].Rate, rates.Series[1].Rate = 10, 100
	for name, report := range map[string]*Report{"closed model": made(), "rates": rates, "empty report": {Notes: []string{}}} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "new")
			if err := report.Save(folder); err != nil {
				t.Fatal(err)
			}
			for _, picture := range []string{"latency.svg", "cpu.svg", "throughput.svg"} {
				text, err := os.ReadFile(filepath.Join(folder, picture))
				if err != nil {
					t.Fatal(err)
				}
				if err := xml.Unmarshal(text, new(struct{ XMLName xml.Name })); err != nil {
					t.Errorf("%s is not well-formed: %v", picture, err)
				}
				for _, word := range []string{"floor", "up", "other", "(VOID)"} {
					if name != "empty report" && !strings.Contains(string(text), word) {
						t.Errorf("%s does not contain %q", picture, word)
					}
				}
			}
			text, err := os.ReadFile(filepath.Join(folder, "report.json"))
			if err != nil || !json.Valid(text) {
				t.Errorf("report.json: %v", err)
			}
		})
	}
}

func TestErr(t *testing.T) {
	if err := made().Err(); !errors.Is(err, ErrVoid) || !strings.Contains(err.Error(), "other, round 1: STORES NOTHING") {
		t.Errorf("got %v", err)
	}
	if err := (&Report{}).Err(); err != nil {
		t.Errorf("got %v", err)
	}
	if err := (&Report{Void: true}).Err(); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

func TestShort(t *testing.T) {
	for want, n := range map[string]float64{"1234": 1234.4, "99.9": 99.94, "1.50": 1.5, "0": 0, "0.0123": 0.012345, "-12.3": -12.34} {
		if got := Short(n); got != want {
			t.Errorf("%v: got %s, want %s", n, got, want)
		}
	}
}
