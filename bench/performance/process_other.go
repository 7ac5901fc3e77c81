//go:build !linux

package performance

import "os/exec"

// dieWithParent does nothing on systems without support for it.
func dieWithParent(*exec.Cmd) {}
