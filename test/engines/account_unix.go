//go:build unix && !linux

package engines

import "syscall"

// attributes returns process attributes that make a program run under the account, and in its own process group so that
// Ctrl-C doesn't reach the program.
func (a *account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attributes
}
