package procgroup

import (
	"os/exec"
	"syscall"
)

// DieWithParent has the system interrupt us when `go run` dies: it passes no signals on, and what we started must not
// outlive it.
func DieWithParent() {
	// An error leaves us as we would be on another system.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0)
}

// Lead puts a command, which has a context, and all that it starts into a process group of their own. The terminal's
// signals don't reach it; it is asked to end when the context ends or when we die.
func Lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// End ends what is left of the group.
func End(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // mostly nothing is left
}
