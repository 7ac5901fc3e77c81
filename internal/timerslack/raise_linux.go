package timerslack

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restarted is the variable that marks a re-executed process, whether or not its slack was raised.
const restarted = "TIMER_SLACK_RESTARTED"

// Raise gives every thread of the process at least the configured slack. Call it before opening anything: if threads
// have less, it re-executes the program in the same process. It returns if there is nothing to do or it fails.
//
// The Go runtime's monitor thread wakes up every 20 us while the process isn't idle, which is a fifth of the CPU time
// of a service that isn't constantly busy. Linux delays each such sleep by the thread's slack (prctl(2),
// PR_SET_TIMERSLACK). A thread inherits its slack from its creator, and the monitor thread exists before main, so it
// gets more only if this thread executes the program again. That surprises debuggers and supervisors, hence it is off
// unless configured.
func (c Config) Raise() { c.raise(syscall.Exec) }

// raise is Raise with a replaceable exec.
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
	program, err := os.Executable() // under its own name, which process tools show
	if err != nil {
		return
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(c.TimerSlack), 0, 0, 0); err != nil {
		return
	}
	_ = exec(program, os.Args, append(os.Environ(), restarted+"=1"))
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(had), 0, 0, 0) // continue unchanged, this thread like the others
}
