//go:build !linux

package faults

import "testing"

func testMemoryLimit(t *testing.T, _ string) { t.Skip("cgroups are Linux's") }

func testNetwork(t *testing.T, _ string) { t.Skip("strace is Linux's") }
