package telemetry

import (
	"math"
	"sync/atomic"
	"time"
)

// Counter counts events. The zero value is ready to use. It is safe for concurrent use.
type Counter struct{ n atomic.Uint64 }

// Add adds n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Value returns the count.
func (c *Counter) Value() uint64 { return c.n.Load() }

// Histogram counts values in buckets. An observation takes two atomic additions, whatever the number of buckets, and no
// allocation (BenchmarkHistogram). A Histogram is safe for concurrent use.
//
// Values and bounds are integers, because integers can be added atomically. Durations are in nanoseconds; all other
// values are in the family's unit.
type Histogram struct {
	family    *Family
	perUnit   float64 // a value divided by perUnit is in the family's unit
	bounds    []int64
	buckets   []atomic.Uint64 // one more than bounds
	sum       atomic.Int64
	exemplars []atomic.Pointer[Exemplar] // the latest in each bucket
}

// Exemplar is an observed value with the ids of the span in which it was observed.
type Exemplar struct {
	Value           float64 // in the family's unit
	TraceID, SpanID string  // in hexadecimal
	Time            time.Time
}

// NewHistogram returns a histogram with the family's buckets.
func NewHistogram(f *Family) *Histogram {
	n := len(f.Bounds)
	h := &Histogram{
		family: f, perUnit: 1, bounds: make([]int64, n),
		buckets: make([]atomic.Uint64, n+1), exemplars: make([]atomic.Pointer[Exemplar], n+1),
	}
	if f.Unit == "s" {
		h.perUnit = float64(time.Second)
	}
	for i, bound := range f.Bounds {
		h.bounds[i] = int64(math.Round(bound * h.perUnit))
	}
	return h
}

// Observe counts a value.
func (h *Histogram) Observe(value int64) {
	h.buckets[h.bucket(value)].Add(1)
	h.sum.Add(value)
}

// ObserveIn counts a value. Unless span is nil, the value, with the span's ids, becomes the exemplar of its bucket.
func (h *Histogram) ObserveIn(value int64, span *Span) {
	h.Observe(value)
	if span != nil {
		h.exemplars[h.bucket(value)].Store(&Exemplar{float64(value) / h.perUnit, span.TraceID, span.SpanID, time.Now()})
	}
}

// bucket returns the index of the first bucket whose bound isn't below the value.
func (h *Histogram) bucket(value int64) int {
	for i, bound := range h.bounds {
		if value <= bound {
			return i
		}
	}
	return len(h.bounds)
}

// Distribution is the current state of a histogram.
type Distribution struct {
	Buckets   []uint64    // number of values in each bucket; the last bucket has no bound
	Sum       float64     // of all values, in the family's unit
	Exemplars []*Exemplar // the latest in each bucket, or nil
}

// distribution returns the current state. A value that is being observed may be included only in the buckets or only in
// the sum.
func (h *Histogram) distribution() *Distribution {
	n := len(h.buckets)
	d := &Distribution{Buckets: make([]uint64, n), Sum: float64(h.sum.Load()) / h.perUnit, Exemplars: make([]*Exemplar, n)}
	for i := range n {
		d.Buckets[i], d.Exemplars[i] = h.buckets[i].Load(), h.exemplars[i].Load()
	}
	return d
}
