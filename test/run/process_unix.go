//go:build unix && !linux

package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent does nothing: this system has no such thing.
func dieWithParent() {}

// inOwnGroup puts go test and all that it starts into a process group of their own, which ends when
// the command's context does.
func inOwnGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what is left of the group.
func endGroup(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // mostly nothing is left
}
