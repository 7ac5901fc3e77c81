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
		{time.Second, sparingPercent}, {frequent, sparingPercent}, // the family's load test
		{frequent - 1, busyPercent}, {5 * frequent, busyPercent}, {rarely, busyPercent}, // saturated: a fifth as many collections
		{rarely + 1, sparingPercent}, {2 * time.Minute, sparingPercent}, // idle: Go collects every two minutes
		{time.Millisecond, busyPercent},
	} {
		now = now.Add(step.after)
		if c.ended(now); percent != step.want {
			t.Errorf("step %d, %v after the last collection: GOGC=%d, want %d", i, step.after, percent, step.want)
		}
	}
}

// TestAfterEach collects the heap several times, and waits each time for the call that follows.
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
	for range 3 {
		runtime.GC()
		select {
		case <-called:
		case <-time.After(time.Minute):
			t.Fatal("nothing was called after a collection")
		}
	}
}
