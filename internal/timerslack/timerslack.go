// Package timerslack lets the kernel delay the timers of a process, so that the process wakes up less often. The
// package doesn't import any other package of the program.
package timerslack

import "time"

// Config holds the timer slack of a process.
type Config struct {
	TimerSlack time.Duration `default:"0s" help:"How long the kernel may delay the timers of the process, to wake it less often (Linux). If it is more than the kernel's default, the program re-executes itself at startup."`
}
