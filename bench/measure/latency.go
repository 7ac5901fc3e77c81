package measure

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"superheroes/bench/stat"
)

// Latency holds iteration latencies in microseconds. In the open model, latency counts from when the iteration was due.
// A percentile for which the run has too few iterations is 0 and absent from the list: see stat.Supports.
type Latency struct {
	Mean        float64    `json:"mean"`
	P50         float64    `json:"p50,omitempty"`
	P90         float64    `json:"p90,omitempty"`
	P95         float64    `json:"p95,omitempty"`
	P99         float64    `json:"p99,omitempty"`
	P999        float64    `json:"p99_9,omitempty"`
	Max         float64    `json:"max"`
	Percentiles []Quantile `json:"percentiles"`
}

// Quantile is a percentile of the latency distribution.
type Quantile struct {
	Percent float64 `json:"percent"`
	Micros  float64 `json:"us"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(percent float64) float64 {
		if !stat.Supports(h.TotalCount(), percent) {
			return 0
		}
		return micros(h.ValueAtQuantile(percent))
	}
	l := Latency{Mean: h.Mean() / 1e3, P50: at(50), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9), Max: micros(h.Max()), Percentiles: []Quantile{}}
	for _, percent := range []float64{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 97, 99, 99.5, 99.9, 99.95, 99.99} {
		if stat.Supports(h.TotalCount(), percent) {
			l.Percentiles = append(l.Percentiles, Quantile{percent, at(percent)})
		}
	}
	return l
}

// latenessOf returns the highest percentile, up to p99, for which the run has enough iterations, but at least the
// median: the p99 of a run of 30 iterations would be the one that was latest.
func latenessOf(late *hdrhistogram.Histogram) Quantile {
	percents := []float64{99, 95, 90}
	known := slices.IndexFunc(percents, func(percent float64) bool { return stat.Supports(late.TotalCount(), percent) })
	percent := 50.0
	if known >= 0 {
		percent = percents[known]
	}
	return Quantile{percent, micros(late.ValueAtQuantile(percent))}
}

// at returns a percentile in microseconds. It returns false if the run has too few iterations for it.
func (l Latency) at(percent float64) (micros float64, known bool) {
	for _, q := range l.Percentiles {
		if q.Percent == percent {
			return q.Micros, true
		}
	}
	return 0, false
}
