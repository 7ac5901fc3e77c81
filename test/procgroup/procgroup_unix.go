//go:build unix && !linux

package procgroup

import (
	"os/exec"
	"syscall"
)

// DieWithParent does nothing on this platform.
func DieWithParent() {}

// Lead puts a command, which must have a context, and its child processes into a new process group, so that they don't
// receive the terminal's signals. The group gets SIGTERM when the context is canceled.
func Lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// End kills all remaining processes in the command's process group.
func End(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // usually no process remains
}
