package engines

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// account is the user account under which database servers run; nil means the current user.
type account struct{ uid, gid uint32 }

// unprivileged returns the account of the current user or, if the current user is root, the account nobody. Database
// servers don't need root privileges, and PostgreSQL refuses to run as root.
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

// own makes the account the owner of the file.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("changing the owner of a server's file: %w", err)
	}
	return nil
}
