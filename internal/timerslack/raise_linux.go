package timerslack

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restarted is the variable by which a process knows that it was started anew, whatever became of its slack.
const restarted = "TIMER_SLACK_RESTARTED"

// Raise gives every thread of the process at least that much slack. It returns when they have it or can't; otherwise it
// starts the program anew in the same process, with the same arguments and one more variable: a thread inherits its slack
// from the one that makes it, and the monitor thread is made before main. So it comes before anything is opened.
func (c Config) Raise() { c.raise(syscall.Exec) }

// raise does so with exec.
func (c Config) raise(exec func(program string, args, env []string) error) {
	runtime.LockOSThread() // the thread whose slack is raised is the one that execs
	defer runtime.UnlockOSThread()
	had, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(had) >= c.TimerSlack || os.Getenv(restarted) != "" {
		return
	}
	program, err := os.Executable() // by its name, which tools for processes show
	if err != nil {
		return
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(c.TimerSlack), 0, 0, 0); err != nil {
		return
	}
	_ = exec(program, os.Args, append(os.Environ(), restarted+"=1"))
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(had), 0, 0, 0) // it goes on as it was, this thread like the others
}
