package timerslack

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restarted is the variable by which a process knows that it was started anew, whatever became of its slack.
const restarted = "TIMER_SLACK_RESTARTED"

// Raise gives every thread of the process at least that much slack. It returns when they have it or can't; otherwise it
// starts the program anew in the same process, with the same arguments and one more variable: a thread inherits its slack
// from the one that makes it, and the monitor thread is made before main. So it comes before anything is opened.
func (c Config) Raise() {
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
	_ = syscall.Exec(program, os.Args, append(os.Environ(), restarted+"=1")) // else it goes on as it is
}
