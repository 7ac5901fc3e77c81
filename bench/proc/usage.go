package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Usage is the resource usage of processes since they started, and their current memory.
//
// CPU time is read in nanoseconds from the clocks of the processes and all their descendants. The CPU time of children
// that exited and were waited for is added in steps of 10 ms per parent, since the kernel counts it in ticks.
// Therefore, the CPU time of a database server's worker isn't lost when the worker exits. Usage excludes children that
// exited without being waited for, and processes whose parent has exited, because such processes no longer descend from
// a root.
type Usage struct {
	CPU    time.Duration `json:"cpu_ns"` // user and system
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`

	RSS int64 `json:"rss_bytes"` // resident memory; shared pages count fully for each process
	PSS int64 `json:"pss_bytes"` // resident memory, with shared pages divided among the processes that share them

	Voluntary   int64 `json:"voluntary_switches"` // context switches of the threads that exist now
	Involuntary int64 `json:"involuntary_switches"`

	ReadCalls  int64 `json:"read_calls"`    // calls to read and similar functions on files and sockets, but not to recv
	WriteCalls int64 `json:"write_calls"`   // calls to write and similar functions, but not to send
	Storage    int64 `json:"storage_bytes"` // bytes sent to the storage layer

	Groups      []string      `json:"groups,omitempty"` // control groups of the containers that the processes run in
	GroupCPU    time.Duration `json:"group_cpu_ns"`
	GroupMemory int64         `json:"group_memory_bytes"`

	PIDs    []int                 `json:"pids"`    // all processes in the trees
	Trees   map[int]time.Duration `json:"tree_ns"` // CPU time by root; a root that descends from another root is counted separately
	Threads int                   `json:"threads"`
	Missing []string              `json:"missing,omitempty"` // names of figures that could not be read
	At      time.Time             `json:"at"`
}

// Since returns the usage between two readings, before and u. Current values, such as memory, are those of u.
func (u Usage) Since(before Usage) Usage {
	trees := map[int]time.Duration{}
	for root, used := range u.Trees {
		trees[root] = used - before.Trees[root]
	}
	u.Trees = trees
	u.CPU -= before.CPU
	u.User -= before.User
	u.System -= before.System
	u.Voluntary -= before.Voluntary
	u.Involuntary -= before.Involuntary
	u.ReadCalls -= before.ReadCalls
	u.WriteCalls -= before.WriteCalls
	u.Storage -= before.Storage
	u.GroupCPU -= before.GroupCPU
	return u
}

// Usage adds up the resource usage of the given processes and all their descendants.
func (f FS) Usage(roots []int) (Usage, error) {
	tree, err := f.Tree(roots)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{At: time.Now(), Trees: map[int]time.Duration{}}
	for _, p := range tree {
		f.addCPU(&u, p)
	}
	f.addGroups(&u, roots)
	for _, p := range tree {
		u.PIDs = append(u.PIDs, p.PID)
		u.note(p, "memory", f.addMemory(&u, p.PID))
		u.note(p, "context switches", f.addSwitches(&u, p.PID))
		u.note(p, "system calls", f.addIO(&u, p.PID))
	}
	return u, nil
}

// note records that a figure about a process that still exists could not be read.
func (u *Usage) note(p Process, what string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		u.Missing = append(u.Missing, fmt.Sprintf("%s of process %d (%s)", what, p.PID, p.Name))
	}
}

// addCPU adds the CPU time of a process. The exact time from its clock is split in proportion to its ticks in user and
// system mode.
func (f FS) addCPU(u *Usage, p Process) {
	own, exact, user := p.user+p.system, f.exact(p), p.user
	if own > 0 {
		user = time.Duration(float64(exact) * float64(p.user) / float64(own))
	}
	u.CPU += exact + p.reaped
	u.Trees[p.root] += exact + p.reaped
	u.User += user + p.split
	u.System += exact - user + p.reaped - p.split
}

// exact returns a process's CPU time, excluding its children: from the process's clock or, if the clock can't be read,
// from its ticks.
func (f FS) exact(p Process) time.Duration {
	if f.real {
		if used, ok := clock(p.PID); ok {
			return used
		}
	}
	return p.user + p.system
}

// addGroups adds the control groups of these processes' containers, without duplicates.
func (f FS) addGroups(u *Usage, roots []int) {
	for _, pid := range roots {
		g, ok := f.Group(pid)
		if !ok || slices.Contains(u.Groups, g.Path) {
			continue
		}
		u.Groups = append(u.Groups, g.Path)
		u.GroupCPU += g.CPU
		u.GroupMemory += g.Memory
	}
}

// RSS returns the resident memory of the given processes in bytes, excluding their descendants. It is cheap enough to
// be called often.
func (f FS) RSS(pids []int) int64 {
	total := int64(0)
	for _, pid := range pids {
		if text, err := os.ReadFile(f.path(pid, "statm")); err == nil { // otherwise the process has exited
			total += numberAt(text, 1) * int64(os.Getpagesize())
		}
	}
	return total
}

// PSS returns the proportional memory of the given processes in bytes, excluding their descendants. The kernel visits
// every page of a process for it, so it is too expensive to be called often.
func (f FS) PSS(pids []int) int64 {
	var u Usage
	for _, pid := range pids {
		_ = f.addMemory(&u, pid) // on error, the process has exited
	}
	return u.PSS
}

func numberAt(text []byte, field int) int64 {
	fields := bytes.Fields(text)
	if field >= len(fields) {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[field]), 10, 64) // the kernel always writes a number
	return n
}

// addMemory adds the memory from smaps_rollup, which kernel threads and exiting processes don't have.
func (f FS) addMemory(u *Usage, pid int) error {
	values, err := values(f.path(pid, "smaps_rollup"))
	if err != nil {
		return err
	}
	u.RSS += values["Rss"] << 10
	u.PSS += values["Pss"] << 10
	return nil
}

// addSwitches adds up the context switches of all threads, since the status of a process covers only its first thread.
func (f FS) addSwitches(u *Usage, pid int) error {
	tasks, err := os.ReadDir(f.path(pid, "task"))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		values, err := values(f.path(pid, "task", task.Name(), "status"))
		if err != nil {
			continue // it has exited
		}
		u.Threads++
		u.Voluntary += values["voluntary_ctxt_switches"]
		u.Involuntary += values["nonvoluntary_ctxt_switches"]
	}
	return nil
}

func (f FS) addIO(u *Usage, pid int) error {
	values, err := values(f.path(pid, "io"))
	if err != nil {
		return err
	}
	u.ReadCalls += values["syscr"]
	u.WriteCalls += values["syscw"]
	u.Storage += values["write_bytes"] - values["cancelled_write_bytes"]
	return nil
}

// Status returns the numeric fields of /proc/PID/status, with memory in KiB. The map is empty if the file can't be
// read.
func (f FS) Status(pid int) map[string]int64 {
	status, _ := values(f.path(pid, "status")) // nil on error
	return status
}

// values parses a file with lines such as "Rss:  12 kB" or "usage_usec 12", skipping lines without a number.
func values(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if before, after, found := strings.Cut(line, ":"); found {
			name, rest = before, after
		}
		if n, err := strconv.ParseInt(first(rest), 10, 64); err == nil {
			values[name] = n
		}
	}
	return values, nil
}

// first returns the first word of a string, or "" if the string has no words.
func first(text string) string {
	for word := range strings.FieldsSeq(text) {
		return word
	}
	return ""
}

// Load returns the load average over the last minute: how many threads were running, or waiting for a core or a disk.
func (f FS) Load() (float64, error) {
	if err := f.available(); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(f.root, "loadavg"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(first(string(text)), 64)
}

// Variable returns the value that an environment variable had when the process was started.
func (f FS) Variable(pid int, name string) string {
	text, err := os.ReadFile(f.path(pid, "environ"))
	if err != nil {
		return ""
	}
	for entry := range strings.SplitSeq(string(text), "\x00") {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}
