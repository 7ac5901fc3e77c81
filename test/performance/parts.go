package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"superheroes/internal/bench/proc"
)

// watch reads, while a run is measured, what bench doesn't tell: the CPU time of each part of a system, and what the
// loopback device carries. It reads twice, near the begin and the end of the measured time, whenever bench tells its
// progress.
type watch struct {
	procs       proc.FS
	of          *system
	measured    time.Duration // of the run, after its warm-up
	first, last *reading
}

// reading is what was counted until a moment.
type reading struct {
	at             time.Time
	cpu            map[string]time.Duration // by part
	bytes, packets float64
}

// nearEnd is how long before the end the second reading may be made. It is longer than bench goes without telling.
const nearEnd = 600 * time.Millisecond

func (w *watch) progress(_ string, passed, total time.Duration) {
	switch {
	case passed < total-w.measured: // it warms up
	case w.first == nil:
		w.first = w.read()
	case passed >= total-nearEnd:
		w.last = w.read()
	}
}

// read leaves out what can't be read.
func (w *watch) read() *reading {
	r := &reading{at: time.Now(), cpu: map[string]time.Duration{}}
	for _, p := range w.of.parts {
		if len(p.pids) == 0 {
			continue
		}
		if used, err := ticks(w.procs, p.pids); err == nil {
			r.cpu[p.name] = used
		}
	}
	r.bytes, r.packets = loopback(contentOf("/proc/net/dev"))
	return r
}

// ticks adds up the CPU time of the processes and of all below them, those too that have ended. It costs less than
// proc.Usage, which reads the memory too.
func ticks(procs proc.FS, roots []int) (time.Duration, error) {
	const tick = 10 * time.Millisecond // of Linux, on every architecture that Go knows
	tree, err := procs.Tree(roots)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, p := range tree {
		text := contentOf(fmt.Sprintf("/proc/%d/stat", p.PID))
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		for i := 11; i < 15 && i < len(fields); i++ { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
			total += n
		}
	}
	return time.Duration(total) * tick, nil
}

// loopback finds what the device lo has received, which is all that it was sent.
func loopback(devices string) (bytes, packets float64) {
	for line := range strings.Lines(devices) {
		name, counters, found := strings.Cut(line, ":")
		fields := strings.Fields(counters)
		if !found || strings.TrimSpace(name) != "lo" || len(fields) < 2 {
			continue
		}
		bytes, _ = strconv.ParseFloat(fields[0], 64) // the kernel writes numbers
		packets, _ = strconv.ParseFloat(fields[1], 64)
	}
	return bytes, packets
}

// figures are for each iteration, of so many a second; none when the run was too short for two readings.
func (w *watch) figures(aSecond float64) map[string]float64 {
	all := map[string]float64{}
	if w.first == nil || w.last == nil || aSecond == 0 {
		return all
	}
	iterations := aSecond * w.last.at.Sub(w.first.at).Seconds()
	for name, used := range w.last.cpu {
		if before, known := w.first.cpu[name]; known {
			all[partCPU+name] = float64((used - before).Microseconds()) / iterations
		}
	}
	if w.last.bytes > 0 {
		all[wireBytes], all[wirePackets] = (w.last.bytes-w.first.bytes)/iterations, (w.last.packets-w.first.packets)/iterations
	}
	return all
}
