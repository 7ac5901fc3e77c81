//go:build !unix

package engines

import "syscall"

// attributes returns nil: there is no other account to run under.
func (a *account) attributes() *syscall.SysProcAttr { return nil }
