package performance

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when this one dies.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
