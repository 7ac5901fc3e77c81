//go:build !linux

package timerslack

// Raise has nothing to do: timer slack is Linux's.
func (Config) Raise() {}
