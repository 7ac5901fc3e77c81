//go:build !unix

package fighttest

import "time"

// CPUTime returns 0: this system doesn't tell.
func CPUTime() time.Duration { return 0 }
