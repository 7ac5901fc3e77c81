package program

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the command's process when this process dies.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
