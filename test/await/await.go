// Package await lets tests wait for a condition or a value instead of sleeping for a fixed time.
package await

import (
	"testing"
	"time"
)

// patience is how long a test waits before it fails. This timeout is generous, so that tests don't fail on a busy
// machine.
const patience = 2 * time.Minute

// True waits until a condition holds, and fails the test on timeout.
func True(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// Value receives a value from a channel and returns the value. On timeout, Value fails the test.
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
