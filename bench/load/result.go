package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/plot/plotter"

	"superheroes/bench/chart"
	"superheroes/bench/format"
	"superheroes/bench/stat"
)

// result holds the measurements at one rate. Latencies are per request, in milliseconds; NaN stands for a percentile for
// which there are too few requests.
type result struct {
	Rate                 int
	Acknowledged, Stored int64
	Dropped              int64
	P50, P95, P99        float64
	CPU                  time.Duration
	Profile              string
}

// perFight returns the CPU time per fight, in microseconds.
func (r result) perFight() float64 {
	if r.Acknowledged == 0 {
		return 0
	}
	return float64(r.CPU.Microseconds()) / float64(r.Acknowledged)
}

// readSummary reads the summary file written by k6/load.js.
func readSummary(path string, rate int) (result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return result{Rate: rate}, err
	}
	var summary struct {
		Metrics map[string]struct{ Values map[string]float64 }
		Setup   struct{ Profile string } `json:"setup_data"`
	}
	if err := json.Unmarshal(text, &summary); err != nil {
		return result{Rate: rate}, fmt.Errorf("reading %s: %w", path, err)
	}
	values := func(metric string) map[string]float64 { return summary.Metrics[metric].Values }
	latency := func(name string, percent float64) float64 {
		if !stat.Supports(int64(values("http_reqs")["count"]), percent) {
			return math.NaN()
		}
		return values("http_req_duration")[name]
	}
	return result{
		Rate:         rate,
		Profile:      summary.Setup.Profile,
		Acknowledged: int64(values("fights_acknowledged")["count"]),
		Dropped:      int64(values("dropped_iterations")["count"]),
		P50:          latency("med", 50), P95: latency("p(95)", 95), P99: latency("p(99)", 99),
	}, nil
}

// report writes the results as a table.
func report(w io.Writer, results []result) {
	fmt.Fprintf(w, "\n%-8s %6s %12s %8s %8s %9s %9s %9s %8s %10s\n",
		"profile", "rate/s", "acknowledged", "stored", "dropped", "p50 ms", "p95 ms", "p99 ms", "CPU s", "us/fight")
	for _, r := range results {
		fmt.Fprintf(w, "%-8s %6d %12d %8d %8d %9s %9s %9s %8.2f %10.0f\n",
			r.Profile, r.Rate, r.Acknowledged, r.Stored, r.Dropped, format.Number(r.P50), format.Number(r.P95), format.Number(r.P99),
			r.CPU.Seconds(), r.perFight())
	}
}

// draw plots latency and CPU time against the rate, and saves the plots in the folder.
func draw(folder string, results []result) error {
	line := func(name string, of func(result) float64) chart.Line {
		l := chart.Line{Name: name}
		for _, r := range results {
			l.Points = append(l.Points, plotter.XY{X: float64(r.Rate), Y: of(r)})
		}
		return l
	}
	const rates = "iterations per second"
	return errors.Join(
		chart.Chart{Title: "Request latency", X: rates, Y: "latency, ms", Lines: []chart.Line{
			line("median", func(r result) float64 { return r.P50 }),
			line("p95", func(r result) float64 { return r.P95 }),
			line("p99", func(r result) float64 { return r.P99 }),
		}}.Save(filepath.Join(folder, "load-latency.svg")),
		chart.Chart{Title: "CPU of the services", X: rates, Y: "CPU, ms per second", Lines: []chart.Line{
			line("all services", func(r result) float64 { return r.perFight() * float64(r.Rate) / 1000 }),
		}}.Save(filepath.Join(folder, "load-cpu.svg")),
	)
}
