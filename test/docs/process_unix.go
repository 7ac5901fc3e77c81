//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inOwnGroup puts a command and all that it starts into a process group of their own, which is asked to end when the
// command's context does.
func inOwnGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what is left of the group.
func endGroup(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // mostly nothing is left
}
