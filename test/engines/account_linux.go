package engines

import "syscall"

// attributes start a program under the account and in its own process group, so that Ctrl-C reaches only us. The
// program is killed when we die, however that happens.
func (a *account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attributes
}
