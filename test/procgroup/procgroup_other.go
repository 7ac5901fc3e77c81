//go:build !unix

package procgroup

import "os/exec"

// DieWithParent does nothing on this platform.
func DieWithParent() {}

// Lead does nothing on this platform; only the command itself is terminated when its context is canceled.
func Lead(*exec.Cmd) {}

// End does nothing, because this platform has no process groups.
func End(*exec.Cmd) {}
