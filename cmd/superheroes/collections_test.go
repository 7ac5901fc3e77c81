package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestCollections lets time pass between collections, as under changing load.
func TestCollections(t *testing.T) {
	t.Parallel()
	percent := sparingPercent
	now := time.Now()
	c := &collections{now, func(p int) int { percent = p; return 0 }}
	for i, step := range []struct {
		after time.Duration
		want  int
	}{
		{time.Second, sparingPercent}, {busyInterval, sparingPercent}, // the family's load test
		{busyInterval - 1, busyPercent}, {5 * busyInterval, busyPercent}, {calmInterval, busyPercent}, // saturated: a fifth as many collections
		{calmInterval + 1, sparingPercent}, {2 * time.Minute, sparingPercent}, // idle: Go collects every two minutes
		{time.Millisecond, busyPercent},
	} {
		now = now.Add(step.after)
		if c.ended(now); percent != step.want {
			t.Errorf("step %d, %v after the last collection: GOGC=%d, want %d", i, step.after, percent, step.want)
		}
	}
}

// TestAfterEach collects the heap until calls have followed several times. The calls go on after the test.
func TestAfterEach(t *testing.T) {
	var calls atomic.Int64
	afterEach(&collections{time.Now().Add(-time.Hour), func(int) int { calls.Add(1); return 0 }})
	for calls.Load() < 3 {
		runtime.GC()
	}
}
