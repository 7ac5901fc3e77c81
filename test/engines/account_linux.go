package engines

import "syscall"

// attributes returns attributes that start a program under the account and in its own process group, so that Ctrl-C
// doesn't reach the program. The kernel kills the program when this process dies for any reason.
func (a *account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attributes
}
