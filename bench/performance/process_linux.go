package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when this one dies.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// endWithStarter has the kernel interrupt this process when `go run`, which passes no signal on, dies.
func endWithStarter() {
	// An error leaves us as we would be on another system.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0)
}
