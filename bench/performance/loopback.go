package performance

import (
	"strconv"
	"strings"
	"time"
)

// watch reads, while a run is measured, what the loopback device carries, which bench doesn't tell. It reads twice, near
// the begin and the end of the measured time, whenever bench tells its progress.
type watch struct {
	measured    time.Duration // of the run, after its warm-up
	first, last *reading
}

// reading is what was counted until a moment.
type reading struct {
	at             time.Time
	bytes, packets float64
}

// nearEnd is how long before the end the second reading may be made. It is longer than bench goes without telling.
const nearEnd = 600 * time.Millisecond

func (w *watch) progress(_ string, passed, total time.Duration) {
	switch {
	case passed < total-w.measured: // it warms up
	case w.first == nil:
		w.first = read()
	case passed >= total-nearEnd:
		w.last = read()
	}
}

func read() *reading {
	r := &reading{at: time.Now()}
	r.bytes, r.packets = loopback(contentOf("/proc/net/dev"))
	return r
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
	if w.first == nil || w.last == nil || aSecond == 0 || w.last.bytes == 0 {
		return all
	}
	iterations := aSecond * w.last.at.Sub(w.first.at).Seconds()
	all[wireBytes], all[wirePackets] = (w.last.bytes-w.first.bytes)/iterations, (w.last.packets-w.first.packets)/iterations
	return all
}
