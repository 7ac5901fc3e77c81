//go:build !unix

package sqlite

import "os"

// stat returns the state of the file at a path. It has no identity: on Windows an open file can't be removed or
// replaced.
func stat(path string) (s fileStat, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return s, err
	}
	return told(info), nil
}

// statOpen is stat for an open file.
func statOpen(file *os.File) (s fileStat, err error) {
	info, err := file.Stat()
	if err != nil {
		return s, err
	}
	return told(info), nil
}

func told(info os.FileInfo) fileStat {
	return fileStat{content: content{info.Size(), 0, info.ModTime().UnixNano()}}
}

// free returns the disk space available to this process on the disk of a file.
func free(string) (bytes uint64, known bool) { return 0, false }

// FlushFolder syncs a directory to disk. Windows doesn't support that.
func FlushFolder(string) error { return nil }
