//go:build unix && !linux

package procgroup

import (
	"os/exec"
	"syscall"
)

// DieWithParent does nothing: this platform doesn't support it.
func DieWithParent() {}

// Lead puts a command, which needs a context, and its child processes into their own process group. They don't get
// the terminal's signals; they are asked to exit when the context ends.
func Lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// End kills whatever is left of the group.
func End(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // usually nothing is left
}
