//go:build !linux

package system

import "os/exec"

// dieWithParent does nothing on this platform.
func dieWithParent(*exec.Cmd) {}
