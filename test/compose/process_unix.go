//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// inOwnGroup keeps the terminal's signals from a command.
func inOwnGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
