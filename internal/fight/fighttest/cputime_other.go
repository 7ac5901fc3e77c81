//go:build !unix

package fighttest

import "time"

// CPUTime returns 0, because CPU times are not available on this platform.
func CPUTime() time.Duration { return 0 }
