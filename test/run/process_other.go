//go:build !unix

package main

import "os/exec"

// dieWithParent does nothing: this system has no such thing.
func dieWithParent() {}

// inOwnGroup does nothing: the command alone is ended.
func inOwnGroup(*exec.Cmd) {}

// endGroup does nothing: there is no group.
func endGroup(*exec.Cmd) {}
