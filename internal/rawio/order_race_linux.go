//go:build race

package rawio

import "syscall"

// sent and received tell the race detector that what precedes the sending of a message happens before what follows its
// receipt. The other end may make ordinary calls, whose order the race detector knows from package syscall. So each of the
// two makes a call through that package, which has no other effect.
func sent()                   { _, _ = syscall.Write(-1, nil) }
func received(socket uintptr) { _, _ = syscall.Read(int(socket), nil) }
