// Package proc reads the resource usage of processes from Linux's /proc. On other systems, functions that need /proc
// return ErrUnavailable.
package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrUnavailable means that this operating system doesn't provide the information.
var ErrUnavailable = errors.New("not available here (needs Linux)")

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every architecture that Go supports.
const tick = 10 * time.Millisecond

// FS is a /proc file system. Tests use a fake /proc.
type FS struct {
	root string
	real bool // whether this is the kernel's own /proc, whose PIDs are valid in system calls
}

// System returns this system's /proc.
func System() FS { return FS{"/proc", true} }

// At returns a file system that reads from another folder with the layout of /proc.
func At(folder string) FS { return FS{root: folder} }

// available returns ErrUnavailable if this system has no /proc.
func (f FS) available() error {
	if f.real && runtime.GOOS != "linux" {
		return ErrUnavailable
	}
	return nil
}

func (f FS) path(pid int, name ...string) string {
	return filepath.Join(append([]string{f.root, strconv.Itoa(pid)}, name...)...)
}

// Process is one process in a tree of processes.
type Process struct {
	PID    int    `json:"pid"`
	Name   string `json:"name"`
	root   int    // PID of the requested process at the root of the tree
	parent int
	user   time.Duration // CPU time of the process itself
	system time.Duration
	reaped time.Duration // CPU time of children that exited and were waited for
	split  time.Duration // the part of reaped that was spent in user mode

	kernel  bool          // a kernel thread
	started int64         // start time in ticks since boot; distinguishes processes that have had the same PID
	used    time.Duration // CPU time of the process itself according to its clock, if the clock was read
}

// kernelThread is the PF_KTHREAD bit in a process's flags.
const kernelThread = 0x00200000

// stat reads /proc/PID/stat. The process name in that file may contain spaces and parentheses; the last closing
// parenthesis ends the name.
func (f FS) stat(pid int) (Process, error) {
	text, err := os.ReadFile(f.path(pid, "stat"))
	if err != nil {
		return Process{}, err
	}
	return parseStat(pid, string(text))
}

func parseStat(pid int, text string) (Process, error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, fmt.Errorf("process %d has no name", pid)
	}
	fields := strings.Fields(text[end+1:]) // the fields from the third on: state, ppid, …
	if len(fields) < 20 {
		return Process{}, fmt.Errorf("process %d has %d fields", pid, len(fields))
	}
	number := func(field int) int64 { // fields are numbered from 1, as in proc(5)
		n, _ := strconv.ParseInt(fields[field-3], 10, 64) // the kernel always writes a number
		return n
	}
	return Process{
		PID: pid, Name: text[open+1 : end], parent: int(number(4)),
		user: time.Duration(number(14)) * tick, system: time.Duration(number(15)) * tick,
		reaped: time.Duration(number(16)+number(17)) * tick, split: time.Duration(number(16)) * tick,
		kernel: number(9)&kernelThread != 0, started: number(22),
	}, nil
}

// pids returns the PIDs of all processes.
func (f FS) pids() ([]int, error) {
	entries, err := os.ReadDir(f.root)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Tree returns the processes with the given PIDs and all their descendants. It returns an error if one of the roots
// doesn't exist.
func (f FS) Tree(roots []int) ([]Process, error) {
	if err := f.available(); err != nil {
		return nil, err
	}
	processes, err := f.processes()
	if err != nil {
		return nil, err
	}
	for _, root := range roots {
		if _, there := processes[root]; !there {
			return nil, fmt.Errorf("no process %d: %w", root, fs.ErrNotExist)
		}
	}
	var tree []Process
	for _, pid := range slices.Sorted(maps.Keys(processes)) {
		if root, found := rootOf(processes, pid, roots); found {
			p := processes[pid]
			p.root = root
			tree = append(tree, p)
		}
	}
	return tree, nil
}

// readings is the maximum number of attempts to read all processes without any of them exiting during the reading.
const readings = 3

// processes reads all processes. If a process exits during the reading, its CPU time could be lost: the process itself
// is gone, and its parent may have been read before the kernel credited the parent with that time. If any process
// exits, all processes are therefore read again.
func (f FS) processes() (map[int]Process, error) {
	for reading := 1; ; reading++ {
		all, err := f.pids()
		if err != nil {
			return nil, err
		}
		processes := make(map[int]Process, len(all))
		for _, pid := range all {
			if p, err := f.stat(pid); err == nil {
				processes[pid] = p
			}
		}
		if len(processes) == len(all) || reading == readings {
			return processes, nil
		}
	}
}

// rootOf returns the process itself if it is a root, otherwise the nearest ancestor that is a root.
func rootOf(processes map[int]Process, pid int, roots []int) (root int, found bool) {
	for range len(processes) { // /proc is not read atomically, so parents could form a cycle
		p, there := processes[pid]
		if !there {
			return 0, false
		}
		if slices.Contains(roots, pid) {
			return pid, true
		}
		pid = p.parent
	}
	return 0, false
}
