//go:build !unix

package procgroup

import "os/exec"

// DieWithParent does nothing: this system has no such thing.
func DieWithParent() {}

// Lead does nothing: the command alone is ended.
func Lead(*exec.Cmd) {}

// End does nothing: there is no group.
func End(*exec.Cmd) {}
