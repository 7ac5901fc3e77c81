package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"superheroes/test/system"
)

// Usage is the current resource usage of processes, from Linux's /proc and the program itself; values that aren't
// available are 0.
type Usage struct {
	Goroutines, Threads, Files int
	Peak                       int64 // highest peak resident memory among the processes, in bytes
}

// goroutines returns the number of goroutines in a process.
func goroutines(t testing.TB, p *system.Process) int {
	t.Helper()
	if countSignal() == nil {
		return 0
	}
	told := func() []string { return strings.Split(p.Stderr.String(), "goroutines ")[1:] }
	before := len(told())
	p.Signal(t, countSignal())
	for end := time.Now().Add(startPatience); len(told()) == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a process did not report its number of goroutines within %s", startPatience)
		}
	}
	var n int
	if _, err := fmt.Sscanf(told()[before], "%d\n", &n); err != nil {
		t.Fatalf("parsing the number of goroutines: %v", err)
	}
	return n
}

// add adds the resource usage of a process to u.
func (u *Usage) add(pid int) {
	folder := fmt.Sprint("/proc/", pid)
	files, err := os.ReadDir(folder + "/fd")
	if err != nil {
		return // the process has exited, or this isn't Linux
	}
	u.Files += len(files)
	status, err := os.ReadFile(folder + "/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		n, _ := strconv.ParseInt(fields[0], 10, 64) // can't fail: the kernel writes numbers
		switch name {
		case "Threads":
			u.Threads += int(n)
		case "VmHWM":
			u.Peak = max(u.Peak, n<<10)
		}
	}
}
