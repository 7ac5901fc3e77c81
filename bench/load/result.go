package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	drawpkg "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// result is what one rate came to. Latencies are in milliseconds, of single requests.
type result struct {
	Rate                 int
	Acknowledged, Stored int64
	Dropped              int64
	P50, P95, P99        float64
	CPU                  time.Duration
	Profile              string
}

// perFight returns the CPU time a fight took, in microseconds.
func (r result) perFight() float64 {
	if r.Acknowledged == 0 {
		return 0
	}
	return float64(r.CPU.Microseconds()) / float64(r.Acknowledged)
}

// readSummary reads what k6/load.js wrote.
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
	latency := values("http_req_duration")
	return result{
		Rate:         rate,
		Profile:      summary.Setup.Profile,
		Acknowledged: int64(values("fights_acknowledged")["count"]),
		Dropped:      int64(values("dropped_iterations")["count"]),
		P50:          latency["med"], P95: latency["p(95)"], P99: latency["p(99)"],
	}, nil
}

// report writes the results as a table.
func report(w io.Writer, results []result) {
	fmt.Fprintf(w, "\n%-8s %6s %12s %8s %8s %9s %9s %9s %8s %10s\n", "profile", "rate/s", "acknowledged", "stored", "dropped", "p50 ms", "p95 ms", "p99 ms", "CPU s", "us/fight")
	for _, r := range results {
		fmt.Fprintf(w, "%-8s %6d %12d %8d %8d %9.2f %9.2f %9.2f %8.2f %10.0f\n",
			r.Profile, r.Rate, r.Acknowledged, r.Stored, r.Dropped, r.P50, r.P95, r.P99, r.CPU.Seconds(), r.perFight())
	}
}

// drawing draws one figure of the results against the rate.
func drawing(title, unit string, results []result, lines map[string]func(result) float64, order ...string) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "iterations a second", unit
	p.X.Min, p.Y.Min = 0, 0
	p.Add(plotter.NewGrid())
	var series []any
	for _, name := range order {
		points := make(plotter.XYs, len(results))
		for i, r := range results {
			points[i] = plotter.XY{X: float64(r.Rate), Y: lines[name](r)}
		}
		series = append(series, name, points)
	}
	p.Legend.Top, p.Legend.Left = true, true
	return p, plotutil.AddLinePoints(p, series...)
}

// draw writes an SVG with the latencies above the CPU time.
func draw(path string, results []result) (err error) {
	latency, err := drawing("Latency of a request", "ms", results, map[string]func(result) float64{
		"median": func(r result) float64 { return r.P50 },
		"p95":    func(r result) float64 { return r.P95 },
		"p99":    func(r result) float64 { return r.P99 },
	}, "median", "p95", "p99")
	if err != nil {
		return err
	}
	cpu, err := drawing("CPU of the services", "ms of CPU a second", results, map[string]func(result) float64{
		"all services": func(r result) float64 { return r.perFight() * float64(r.Rate) / 1000 },
	}, "all services")
	if err != nil {
		return err
	}
	canvas := vgsvg.New(16*vg.Centimeter, 20*vg.Centimeter)
	tiles := drawpkg.Tiles{Rows: 2, Cols: 1, PadY: vg.Centimeter, PadTop: vg.Centimeter / 2, PadLeft: vg.Centimeter / 2, PadRight: vg.Centimeter}
	for i, row := range plot.Align([][]*plot.Plot{{latency}, {cpu}}, tiles, drawpkg.New(canvas)) {
		[]*plot.Plot{latency, cpu}[i].Draw(row[0])
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
