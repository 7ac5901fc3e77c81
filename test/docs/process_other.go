//go:build !unix

package main

import "os/exec"

// inOwnGroup does nothing: the command alone is ended.
func inOwnGroup(*exec.Cmd) {}

// endGroup does nothing: there is no group.
func endGroup(*exec.Cmd) {}
