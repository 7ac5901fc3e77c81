package program

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the process when this one dies.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
