// Package proctest provides a fake /proc for tests.
package proctest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Folder is a fake /proc. It is removed at the end of the test.
type Folder struct {
	tb   testing.TB
	Path string
}

// New returns an empty Folder.
func New(tb testing.TB) Folder {
	tb.Helper()
	return Folder{tb, tb.TempDir()}
}

// Write creates or overwrites a file.
func (f Folder) Write(path, text string) {
	f.tb.Helper()
	path = filepath.Join(f.Path, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.tb.Fatal(err)
	}
}

// Process describes a process in a Folder. Times are in ticks of 10 ms.
type Process struct {
	PID, Parent              int
	Name                     string
	User, System             int
	ReapedUser, ReapedSystem int  // CPU time of children that exited
	Started                  int  // since boot
	Kernel                   bool // whether the process is a kernel thread
}

// Process writes the stat file of a process.
func (f Folder) Process(p Process) {
	f.tb.Helper()
	flags := 0x00400100
	if p.Kernel {
		flags = 0x00208040 // with PF_KTHREAD
	}
	f.Write(fmt.Sprintf("%d/stat", p.PID), fmt.Sprintf("%d (%s) S %d 1 1 0 -1 %d 900 0 0 0 %d %d %d %d 20 0 2 0 %d 1000 300 18446744073709551615",
		p.PID, p.Name, p.Parent, flags, p.User, p.System, p.ReapedUser, p.ReapedSystem, p.Started))
}

// Gone removes a process.
func (f Folder) Gone(pid int) {
	f.tb.Helper()
	if err := os.RemoveAll(filepath.Join(f.Path, fmt.Sprint(pid))); err != nil {
		f.tb.Fatal(err)
	}
}
