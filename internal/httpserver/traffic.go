package httpserver

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"superheroes/internal/telemetry"
)

// Traffic summarizes a service's requests within a recent period. Like the metrics, it doesn't include health checks
// and event streams.
type Traffic struct {
	Seconds  float64  `json:"seconds" minimum:"5" maximum:"60" example:"5" doc:"Length of the period."`
	Requests float64  `json:"requests_per_second" minimum:"0" example:"97"`
	Errors   float64  `json:"errors_per_second" minimum:"0" example:"0" doc:"Responses with a status from 500 to 599."`
	P99      *float64 `json:"p99_ms,omitempty" minimum:"0" example:"2.4" doc:"99th percentile of the durations, interpolated within a histogram bucket; absent without requests."`
}

// A period is at least minPeriod long. As long as the traffic is read at least once per minPeriod, it is shorter than
// three times minPeriod. A period longer than maxPeriod would say too little about the current traffic.
const (
	minPeriod = 5 * time.Second
	maxPeriod = time.Minute
)

// traffic computes Traffic on request, from the durations that the service measures anyway. It is safe for concurrent
// use.
type traffic struct {
	metrics *telemetry.Metrics

	mu          sync.Mutex
	base, later totals // base is the start of the period; later replaces base once it is minPeriod old
}

// totals contains the service's totals at one point in time, counted since the service started.
type totals struct {
	at      time.Time
	errors  uint64
	buckets []uint64 // request durations, in the buckets of HTTPServerDuration
}

func newTraffic(m *telemetry.Metrics) *traffic {
	t := &traffic{metrics: m}
	t.later = t.totals()
	return t
}

// read returns the traffic since base, or nil if base is too old or the service isn't measured.
func (t *traffic) read() *Traffic {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.totals()
	if now.at.Sub(t.later.at) >= minPeriod {
		t.base, t.later = t.later, now
	}
	return now.since(t.base)
}

func (t *traffic) totals() totals {
	sum := totals{at: time.Now(), buckets: make([]uint64, len(telemetry.HTTPServerDuration.Bounds)+1)}
	for _, s := range t.metrics.Read(telemetry.HTTPServerDuration) {
		for i, n := range s.Histogram.Buckets {
			sum.buckets[i] += n
			if isServerError(s.Labels) {
				sum.errors += n
			}
		}
	}
	return sum
}

func (t totals) since(base totals) *Traffic {
	elapsed := t.at.Sub(base.at)
	if elapsed > maxPeriod {
		return nil
	}
	buckets, requests := slices.Clone(t.buckets), uint64(0)
	for i, n := range base.buckets {
		buckets[i] -= n
		requests += buckets[i]
	}
	seconds := elapsed.Seconds()
	found := &Traffic{
		Seconds: round(seconds), Requests: round(float64(requests) / seconds), Errors: round(float64(t.errors-base.errors) / seconds),
	}
	if requests > 0 {
		found.P99 = new(round(1000 * telemetry.Quantile(0.99, telemetry.HTTPServerDuration.Bounds, buckets)))
	}
	return found
}

// round rounds to two decimals.
func round(value float64) float64 { return math.Round(value*100) / 100 }

// isServerError reports whether the labels of a series of request durations contain a status from 500 to 599.
func isServerError(labels []string) bool {
	return strings.HasPrefix(labels[slices.Index(telemetry.HTTPServerDuration.Labels, "http.response.status_code")], "5")
}
