package main

import (
	"runtime"
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

// TestAfterEach collects the heap until calls have followed several times.
func TestAfterEach(t *testing.T) {
	called := make(chan int, 10)
	c := &collections{time.Now().Add(-time.Hour), func(p int) int {
		select {
		case called <- p:
		default: // collections go on after the test
		}
		return 0
	}}
	afterEach(c)
	deadline := time.After(time.Minute)
	for calls := 0; calls < 3; {
		runtime.GC()
		select {
		case <-called:
			calls++
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("%d calls followed collections", calls)
		}
	}
}
