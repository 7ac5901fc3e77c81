//go:build !unix

package sqlite

import "os"

// stat returns what the system says of the file at a path. It has no identity: Windows lets nobody remove or replace a
// file that is open.
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

// free returns the space that this process may still fill on the disk of a file.
func free(string) (bytes uint64, known bool) { return 0, false }

// FlushFolder has the names in a folder on the disk. Windows has no way to ask for it.
func FlushFolder(string) error { return nil }
