//go:build !linux

package timerslack

// Raise does nothing: timer slack exists on Linux only.
func (Config) Raise() {}
