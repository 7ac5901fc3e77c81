// Package await lets tests wait for what happens rather than for how long it takes.
package await

import (
	"testing"
	"time"
)

// patience is how long to wait before the test fails: far longer than anything takes, on a busy machine too.
const patience = 2 * time.Minute

// True waits until a condition holds, and fails the test if it never does.
func True(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// Value receives from a channel, and fails the test if nothing arrives.
func Value[T any](t testing.TB, what string, channel <-chan T) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-time.After(patience):
		t.Fatalf("not within %s: %s", patience, what)
		panic("unreachable")
	}
}
