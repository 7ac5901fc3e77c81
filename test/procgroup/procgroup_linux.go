package procgroup

import (
	"os/exec"
	"syscall"
)

// DieWithParent makes the kernel terminate this process when its parent, `go run`, dies. A program that is run with `go
// run` must call DieWithParent, because `go run` doesn't forward signals, and the program's child processes must not
// outlive `go run`.
func DieWithParent() {
	// Errors are ignored. If the call fails, the process behaves as on other operating systems.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0)
}

// Lead puts a command, which must have a context, and its child processes into a new process group, so that they don't
// receive the terminal's signals. The group gets SIGTERM when the context is canceled. The command itself also gets
// SIGTERM when this process dies.
func Lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// End kills all remaining processes in the command's process group.
func End(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // usually no process remains
}
