package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Usage is what processes have at one moment, as Linux's /proc tells; all 0 elsewhere. The program tells the number of its
// goroutines to nobody, so its threads and open files (sockets among them) stand for what it might leak.
type Usage struct {
	Threads, Files int
	Peak           int64 // the most resident memory of a process so far, in bytes
}

// add adds what one more process has.
func (u *Usage) add(pid int) {
	folder := fmt.Sprint("/proc/", pid)
	files, err := os.ReadDir(folder + "/fd")
	if err != nil {
		return // it has ended, or this isn't Linux
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
		n, _ := strconv.ParseInt(fields[0], 10, 64) // the kernel writes numbers
		switch name {
		case "Threads":
			u.Threads += int(n)
		case "VmHWM":
			u.Peak = max(u.Peak, n<<10)
		}
	}
}
