//go:build unix && !linux

package procgroup

import (
	"os/exec"
	"syscall"
)

// DieWithParent does nothing: this system has no such thing.
func DieWithParent() {}

// Lead puts a command, which has a context, and all that it starts into a process group of their own. The terminal's
// signals don't reach it; it is asked to end when the context ends.
func Lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}

// End ends what is left of the group.
func End(command *exec.Cmd) {
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // mostly nothing is left
}
