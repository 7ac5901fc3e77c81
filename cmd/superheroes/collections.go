package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// The program's values for GOGC, unless the user has set one. The live heap of a service is only a few MB. With Go's default of
// 100, the heap stays small, but garbage collection takes a tenth of the CPU time under load; with 400, it takes a fortieth. At
// the rates of the family's load test, both take the same CPU time (bench/performance/notes.md).
const (
	sparingPercent = 100
	busyPercent    = 400
)

// Collections that are closer together than busyInterval mean load; if they are further apart than calmInterval, the process is
// calm. In between, GOGC stays as it is. The same load causes at least four times as many collections with the lower value as
// with the higher one, so the intervals must differ by more than that, or GOGC would flip back and forth.
const (
	busyInterval = 100 * time.Millisecond
	calmInterval = time.Second
)

// choosesGC reports whether the program chooses GOGC, because the user hasn't set it. All commands start with the higher value;
// services adapt it after the start (adaptGC).
func choosesGC() bool { return os.Getenv("GOGC") == "" }

// adaptGC sets GOGC to the lower value, and adapts it to how often the heap is collected from now on.
func adaptGC() {
	debug.SetGCPercent(sparingPercent)
	afterEach(&collections{time.Now(), debug.SetGCPercent})
}

// collections adapts GOGC to how often the heap is collected. It does nothing between two collections, so it doesn't wake an
// idle process.
type collections struct {
	last       time.Time
	setPercent func(int) int
}

// afterEach calls c.ended soon after a collection, and again after later ones. It may miss one that begins meanwhile.
func afterEach(c *collections) {
	// Nothing refers to this object, so a collection soon frees it. It must contain a pointer: objects without pointers may
	// share a block of memory, which is freed as a whole.
	runtime.AddCleanup(new(*collections), func(c *collections) {
		c.ended(time.Now())
		afterEach(c)
	}, c)
}

// ended sets GOGC for the time after a collection that has just ended.
func (c *collections) ended(now time.Time) {
	switch since := now.Sub(c.last); {
	case since < busyInterval:
		c.setPercent(busyPercent)
	case since > calmInterval:
		c.setPercent(sparingPercent)
	}
	c.last = now
}
