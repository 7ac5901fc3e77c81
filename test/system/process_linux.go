package system

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the process when the test's process dies.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
