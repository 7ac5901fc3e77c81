package fight

import "superheroes/internal/telemetry"

// Written measures a store's durable writes. It is safe for concurrent use.
type Written struct {
	stored telemetry.Counter
	sizes  *telemetry.Histogram
}

// NewWritten returns a Written without any writes.
func NewWritten() *Written { return &Written{sizes: telemetry.NewHistogram(telemetry.CommitBatchSize)} }

// Measure adds the metrics.
func (w *Written) Measure(m *telemetry.Metrics) {
	m.Counter(telemetry.FightsStored, &w.stored)
	m.Histogram(w.sizes)
}

// Record records one write with the results of its documents, which it returns.
func (w *Written) Record(results []error) []error {
	stored := uint64(0)
	for _, err := range results {
		if err == nil {
			stored++
		}
	}
	if stored > 0 {
		w.stored.Add(stored)
		w.sizes.Observe(int64(stored))
	}
	return results
}
