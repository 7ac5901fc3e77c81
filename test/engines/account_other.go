//go:build !unix

package engines

import "syscall"

// attributes returns nil, because this platform doesn't support running programs under another account.
func (a *account) attributes() *syscall.SysProcAttr { return nil }
