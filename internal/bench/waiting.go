package bench

import (
	"time"

	"superheroes/internal/bench/proc"
)

// waiting adds up how long the threads of this process waited for a core, and how much of that was for want of one.
//
// The kernel counts a wait from when a thread is ready until it runs. That holds two things. While others run on every core
// it is a shortage, which makes a run void. While a core is idle it is the time which that core takes to wake up, tens of
// microseconds on a virtual one; the scheduler leaves no core idle beside a thread that waits any longer. At a few
// iterations a second there is little else than such waking, it is longer than the answers themselves, and more cores would
// not shorten it. So a wait counts as a shortage in the proportion in which the cores were busy meanwhile: not at all on
// cores that slept, in full on cores that never did.
//
// The proportion is taken sample by sample, so that a quiet time doesn't excuse a busy one. A wait counts in full when the
// idle time can't be read, and when a quota of CPU held the process back, which leaves cores idle too. What a virtual
// machine's host takes away while a core wakes up can't be told from waking: the kernel counts that core as idle.
type waiting struct {
	system proc.FS
	cores  []int // that this process may run on
	last   waits
	all    time.Duration
	lacked time.Duration // of these, for want of a core
}

// waits is what was counted until a moment.
type waits struct {
	at        time.Time
	waited    time.Duration // all threads
	idle      time.Duration // of all cores that they may run on; below 0: not told
	throttled time.Duration // for want of quota
}

func newWaiting(system proc.FS) *waiting {
	cores, _ := proc.Cores(selfPID()) // without them idle time isn't told
	w := &waiting{system: system, cores: cores}
	w.last = w.read()
	return w
}

// read returns what was counted until now; nobody waited where it isn't told.
func (w *waiting) read() waits {
	now := waits{at: time.Now(), idle: -1, throttled: w.system.Throttled(selfPID())}
	_, now.waited, _ = w.system.Waited(selfPID())
	if len(w.cores) == 0 {
		return now
	}
	if idle, err := w.system.Idle(w.cores); err == nil {
		now.idle = idle
	}
	return now
}

// sample adds what was waited since the last one.
func (w *waiting) sample() { w.add(w.read()) }

func (w *waiting) add(now waits) {
	waited := max(0, now.waited-w.last.waited) // threads that ended took theirs with them
	w.all += waited
	w.lacked += time.Duration(float64(waited) * now.busySince(w.last, len(w.cores)))
	w.last = now
}

// busySince is the share of the cores' time, from 0 to 1, in which a wait was for want of one.
func (now waits) busySince(before waits, cores int) float64 {
	whole := now.at.Sub(before.at) * time.Duration(cores)
	if now.idle < 0 || before.idle < 0 || now.throttled > before.throttled || whole <= 0 {
		return 1
	}
	return min(1, max(0, 1-float64(now.idle-before.idle)/float64(whole)))
}
