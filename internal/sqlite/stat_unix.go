//go:build unix

package sqlite

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// stat returns the state of the file at a path.
func stat(path string) (fileStat, error) {
	var of unix.Stat_t
	err := unix.Stat(path, &of)
	return stateOf(&of), err
}

// statOpen returns the state of an open file, even if it was moved or removed. It costs a third as much as stat, since
// no path is resolved.
func statOpen(file *os.File) (fileStat, error) {
	var of unix.Stat_t
	err := unix.Fstat(int(file.Fd()), &of)
	return stateOf(&of), err
}

func stateOf(of *unix.Stat_t) fileStat {
	return fileStat{
		identity: identity{uint64(of.Dev), of.Ino}, //nolint:unconvert // the types differ between systems
		size:     of.Size,
		blocks:   of.Blocks,
		modified: of.Mtim.Nano(),
	}
}

// free returns the space available to this process on the file's disk.
func free(path string) (bytes uint64, known bool) {
	var of unix.Statfs_t
	if unix.Statfs(filepath.Dir(path), &of) != nil || of.Blocks == 0 {
		return 0, false
	}
	blocks := of.Bavail
	if os.Geteuid() == 0 {
		blocks = of.Bfree // includes the blocks reserved for root
	}
	return blocks * uint64(of.Bsize), true
}

// FlushFolder syncs a directory to disk.
func FlushFolder(path string) error { return flush(path) }
