package timerslack

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restarted is the environment variable that marks a re-executed process, whether or not its slack was raised.
const restarted = "TIMER_SLACK_RESTARTED"

// Raise gives every thread of the process at least the configured timer slack. Call Raise before opening any files or
// connections: if the current slack is lower, Raise re-executes the program in the same process. Raise returns if there
// is nothing to do or if it fails.
//
// Once a system call has woken it, the Go runtime's monitor thread wakes up every 20 us until the process is idle, which
// costs a service that isn't constantly busy up to a fifth of its CPU time. Linux may delay each wake-up by the thread's timer slack (prctl(2),
// PR_SET_TIMERSLACK). A thread inherits its slack from the thread that created it. The monitor thread exists before
// main runs, so its slack can be raised only by re-executing the program from a thread that has more slack. Because
// re-execution can confuse debuggers and supervisors, Raise does nothing unless configured.
func (c Config) Raise() { c.raise(syscall.Exec) }

// raise is like Raise, but with a replaceable exec function.
func (c Config) raise(exec func(program string, args, env []string) error) {
	if c.TimerSlack == 0 || os.Getenv(restarted) != "" {
		return
	}
	runtime.LockOSThread() // the thread whose slack is raised must be the one that calls exec
	defer runtime.UnlockOSThread()
	had, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(had) >= c.TimerSlack {
		return
	}
	program, err := os.Executable() // keeps the program's own name in process listings
	if err != nil {
		return
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(c.TimerSlack), 0, 0, 0); err != nil {
		return
	}
	_ = exec(program, os.Args, append(os.Environ(), restarted+"=1"))
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(had), 0, 0, 0) // continue with the original slack in all threads
}
