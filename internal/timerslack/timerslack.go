// Package timerslack lets the kernel put off the timers of a process.
//
// The runtime of Go has a monitor thread that looks every 20 us for system calls that block, from the first one of a
// process that was idle until it is idle again. A service that is neither idle nor busy for long pays for that with a fifth
// of its processor time. Linux puts off the end of each such sleep by as much as the thread's slack, 50 us unless somebody
// changed it; with more, the monitor looks less often, and all other timers may be as late (prctl(2), PR_SET_TIMERSLACK).
package timerslack

import "time"

// Config is the slack that a process is to have.
type Config struct {
	TimerSlack time.Duration `default:"1ms" help:"How long the kernel may delay the timers of the process, to wake it less often (Linux); 0 leaves that to the kernel."`
}
