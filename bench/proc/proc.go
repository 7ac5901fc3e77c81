// Package proc tells what processes use, from Linux's /proc. Elsewhere everything is ErrUnavailable.
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

// ErrUnavailable means that this system doesn't tell.
var ErrUnavailable = errors.New("not available here (it takes Linux)")

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every architecture that Go knows.
const tick = 10 * time.Millisecond

// FS is a /proc. Tests give one of their own.
type FS struct {
	root string
	real bool // the kernel's own, so that system calls tell of the same processes
}

// System returns this system's /proc.
func System() FS { return FS{"/proc", true} }

// At returns a /proc that lies somewhere else.
func At(folder string) FS { return FS{root: folder} }

// available tells whether there is anything to read.
func (f FS) available() error {
	if f.real && runtime.GOOS != "linux" {
		return ErrUnavailable
	}
	return nil
}

func (f FS) path(pid int, name ...string) string {
	return filepath.Join(append([]string{f.root, strconv.Itoa(pid)}, name...)...)
}

// Process is one of a tree.
type Process struct {
	PID    int    `json:"pid"`
	Name   string `json:"name"`
	root   int    // of these that were asked for, the one that it is or comes from
	parent int
	user   time.Duration // of itself
	system time.Duration
	reaped time.Duration // of children that ended and were waited for
	split  time.Duration // of these, in user mode

	kernel  bool          // a thread of the kernel's
	started int64         // in ticks since the system's start: a number that is used again has another
	used    time.Duration // of itself by its own clock, where that was read
}

// kernelThread is PF_KTHREAD among the flags of a process.
const kernelThread = 0x00200000

// stat reads /proc/PID/stat. The name may hold blanks and brackets; the last bracket ends it.
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
	fields := strings.Fields(text[end+1:]) // from the third on: state, ppid, …
	if len(fields) < 20 {
		return Process{}, fmt.Errorf("process %d has %d fields", pid, len(fields))
	}
	number := func(field int) int64 { // counted as in proc(5), from 1
		n, _ := strconv.ParseInt(fields[field-3], 10, 64) // the kernel writes numbers
		return n
	}
	return Process{
		PID: pid, Name: text[open+1 : end], parent: int(number(4)),
		user: time.Duration(number(14)) * tick, system: time.Duration(number(15)) * tick,
		reaped: time.Duration(number(16)+number(17)) * tick, split: time.Duration(number(16)) * tick,
		kernel: number(9)&kernelThread != 0, started: number(22),
	}, nil
}

// pids returns every process there is.
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

// Tree returns these processes and all below them. Each must be there.
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
			return nil, fmt.Errorf("there is no process %d: %w", root, fs.ErrNotExist)
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

// readings is how often /proc is read at most to find nobody gone who was there a moment before.
const readings = 3

// processes reads all there are. One that ends in between is in neither place: no longer there itself, and not yet among
// what its parent, read before it, had reaped. So all are read again then.
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

// rootOf returns which of the roots a process is or comes from: the nearest.
func rootOf(processes map[int]Process, pid int, roots []int) (root int, found bool) {
	for range len(processes) { // /proc was not read in one moment: parents could go round
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
