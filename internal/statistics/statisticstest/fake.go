package statisticstest

import (
	"context"
	"errors"
	"sync/atomic"

	"superheroes/internal/statistics"
)

// Fake is an in-memory statistics.Store that stores only the number of fights. Fake counts in batches of ten.
type Fake struct {
	Stored, Counted, Steps atomic.Int64
	Broken                 atomic.Bool
	Padding                string // text that makes the encoded statistics longer
}

// Count implements statistics.Store.
func (f *Fake) Count(context.Context) (statistics.Progress, error) {
	f.Steps.Add(1)
	if f.Broken.Load() {
		return statistics.Progress{}, errors.New("broken")
	}
	n := min(f.Stored.Load()-f.Counted.Load(), 10)
	return statistics.Progress{Version: f.Counted.Add(n), Counted: int(n), More: n == 10}, nil
}

// Read implements statistics.Store.
func (f *Fake) Read(context.Context) (statistics.Statistics, error) {
	if f.Broken.Load() {
		return statistics.Statistics{}, errors.New("broken")
	}
	n := f.Counted.Load()
	places := []statistics.Place{{Name: f.Padding, Fights: n}}
	return statistics.Statistics{Total: n, Heroes: n, Version: n, Places: places}, nil
}

// Rebuild implements statistics.Store. It does nothing.
func (f *Fake) Rebuild(context.Context) (statistics.Report, error) { return statistics.Report{}, nil }

// Ping implements statistics.Store. It always succeeds.
func (f *Fake) Ping(context.Context) error { return nil }
