//go:build !unix

package sqlite

import "os"

// stat returns the state of the file at a path. It has no identity: on Windows an open file can't be removed or
// replaced.
func stat(path string) (fileStat, error) { return stateOf(os.Stat(path)) }

// statOpen is stat for an open file.
func statOpen(file *os.File) (fileStat, error) { return stateOf(file.Stat()) }

func stateOf(info os.FileInfo, err error) (fileStat, error) {
	if err != nil {
		return fileStat{}, err
	}
	return fileStat{size: info.Size(), modified: info.ModTime().UnixNano()}, nil
}

// free returns the disk space available to this process on the disk of a file.
func free(string) (bytes uint64, known bool) { return 0, false }

// FlushFolder syncs a directory to disk. Windows doesn't support that.
func FlushFolder(string) error { return nil }
