package performance

import (
	"strconv"
	"strings"
	"time"
)

// watch measures the traffic on the loopback device during a run, since package measure doesn't report that traffic. It
// takes two readings, near the start and the end of the measured time, when bench reports its progress.
type watch struct {
	measured    time.Duration // length of the run without its warm-up
	first, last reading
}

// reading holds the counters of the loopback device at one point in time.
type reading struct {
	at             time.Time
	bytes, packets float64
}

// nearEnd is the length of the interval before the end of a run in which the second reading is taken. It is longer than
// the interval at which bench reports progress.
const nearEnd = 600 * time.Millisecond

func (w *watch) progress(_ string, passed, total time.Duration) {
	switch {
	case passed < total-w.measured: // still warming up
	case w.first.at.IsZero():
		w.first = read()
	case passed >= total-nearEnd:
		w.last = read()
	}
}

func read() reading {
	bytes, packets := loopback(contentOf("/proc/net/dev"))
	return reading{time.Now(), bytes, packets}
}

// loopback parses the numbers of bytes and packets that the lo device has received, which equal the numbers sent.
func loopback(devices string) (bytes, packets float64) {
	for line := range strings.Lines(devices) {
		name, counters, found := strings.Cut(line, ":")
		fields := strings.Fields(counters)
		if !found || strings.TrimSpace(name) != "lo" || len(fields) < 2 {
			continue
		}
		bytes, _ = strconv.ParseFloat(fields[0], 64) // the kernel always writes a number
		packets, _ = strconv.ParseFloat(fields[1], 64)
	}
	return bytes, packets
}

// figures returns the traffic per iteration, given the iterations per second. The map is empty if the run was too short
// for two readings.
func (w *watch) figures(perSecond float64) map[string]float64 {
	all := map[string]float64{}
	if w.last.bytes == 0 || perSecond == 0 {
		return all
	}
	iterations := perSecond * w.last.at.Sub(w.first.at).Seconds()
	all[wireBytes], all[wirePackets] = (w.last.bytes-w.first.bytes)/iterations, (w.last.packets-w.first.packets)/iterations
	return all
}
