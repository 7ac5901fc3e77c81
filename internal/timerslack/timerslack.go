// Package timerslack lets the kernel delay the timers of a process, so that it wakes up less often. It knows no other
// package of the program.
//
// The Go runtime has a monitor thread that looks for blocking system calls every 20 us while the process isn't idle.
// In a service that is neither idle nor busy for long, that takes a fifth of the CPU time. Linux delays the end of
// each such sleep by up to the thread's slack, 50 us by default. With more slack the monitor looks less often, and
// all other timers may be as late (prctl(2), PR_SET_TIMERSLACK).
package timerslack

import "time"

// Config holds the slack of a process.
type Config struct {
	TimerSlack time.Duration `default:"1ms" help:"How long the kernel may delay the timers of the process, to wake it less often (Linux); 0 leaves that to the kernel."`
}
