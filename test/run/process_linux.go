package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the system interrupt us when `go run` dies: it passes no signals on, and the
// servers that we started must not outlive it.
func dieWithParent() {
	// An error leaves us as we would be on another system.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0)
}

// inOwnGroup puts go test and all that it starts into a process group of their own, which ends when
// the command's context does or when we die.
func inOwnGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what is left of the group.
func endGroup(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // mostly nothing is left
}
