//go:build !unix

package sqlite

import "os"

// stat returns the state of the file at a path. The state includes no identity: on Windows, an open file can't be
// removed or replaced.
func stat(path string) (fileStat, error) { return stateOf(os.Stat(path)) }

// statOpen returns the state of an open file.
func statOpen(file *os.File) (fileStat, error) { return stateOf(file.Stat()) }

func stateOf(info os.FileInfo, err error) (fileStat, error) {
	if err != nil {
		return fileStat{}, err
	}
	return fileStat{size: info.Size(), modified: info.ModTime().UnixNano()}, nil
}

// free returns the space available to this process on the file's disk.
func free(string) (bytes uint64, known bool) { return 0, false }

// FlushFolder syncs a directory to disk. Windows doesn't support that.
func FlushFolder(string) error { return nil }
