package engines

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// An account is the user that servers run under; nil is our own.
type account struct{ uid, gid uint32 }

// unprivileged returns our own account, or that of nobody where we are root: servers have no need of
// root's rights, and PostgreSQL refuses them.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("finding an unprivileged user: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading nobody's user id: %w", err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading nobody's group id: %w", err)
	}
	return &account{uid: uint32(uid), gid: uint32(gid)}, nil
}

// own gives the file to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("giving a server its file: %w", err)
	}
	return nil
}
