//go:build !linux

package program

import "os/exec"

// dieWithParent does nothing on this platform.
func dieWithParent(*exec.Cmd) {}
