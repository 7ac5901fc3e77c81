package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// The program's values for GOGC, unless the user has set one. The live heap of a service is only a few MB, so with Go's
// default, the heap stays small, but under load, garbage collection takes a tenth of the CPU time; with the higher value, it
// takes a fortieth. At the rates of the family's load test, both take the same CPU time (bench/performance/notes.md).
const (
	sparingPercent = 100
	busyPercent    = 400
)

// Collections are frequent if they are less than frequent apart, and rare if they are more than rarely apart. The same load
// causes about five times as many collections with the lower value as with the higher one. The two times must differ by more
// than that, or the value would change to and fro.
const (
	frequent = 100 * time.Millisecond
	rarely   = time.Second
)

// chooseGC sets GOGC for the start, which allocates a lot, unless the user has set it.
func chooseGC() (chosen bool) {
	chosen = os.Getenv("GOGC") == ""
	if chosen {
		debug.SetGCPercent(busyPercent)
	}
	return chosen
}

// adaptGC sets GOGC to the lower value, and adapts it after each collection from now on.
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

// afterEach calls c.ended after each collection.
func afterEach(c *collections) {
	// This object isn't used, so the next collection frees it. It must contain a pointer: objects without pointers may share
	// a block of memory, which is freed as a whole.
	runtime.AddCleanup(new(*collections), func(c *collections) {
		c.ended(time.Now())
		afterEach(c)
	}, c)
}

// ended sets GOGC for the time after a collection that has just ended.
func (c *collections) ended(now time.Time) {
	switch since := now.Sub(c.last); {
	case since < frequent:
		c.setPercent(busyPercent)
	case since > rarely:
		c.setPercent(sparingPercent)
	}
	c.last = now
}
