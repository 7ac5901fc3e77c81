//go:build !unix

package procgroup

import "os/exec"

// DieWithParent does nothing: this platform doesn't support it.
func DieWithParent() {}

// Lead does nothing: only the command itself is ended.
func Lead(*exec.Cmd) {}

// End does nothing: there is no group.
func End(*exec.Cmd) {}
