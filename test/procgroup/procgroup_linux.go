package procgroup

import (
	"os/exec"
	"syscall"
)

// DieWithParent makes the system terminate this process when `go run` dies: that doesn't forward signals, and our
// child processes must not outlive it.
func DieWithParent() {
	// After an error we behave as on other systems.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0)
}

// Lead puts a command, which needs a context, and its child processes into their own process group. They don't get
// the terminal's signals; they are asked to exit when the context ends or when we die.
func Lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// End kills whatever is left of the group.
func End(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // usually nothing is left
}
