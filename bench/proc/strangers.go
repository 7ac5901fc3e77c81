package proc

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrHidden means that processes of this machine can't be seen from here.
var ErrHidden = errors.New("not every process of this machine can be seen from here: a container, or a /proc that hides those of others")

// kthreadd is the kernel's own process, which starts its threads. A container of its own process ids has another process
// under that number, or none; a /proc that is mounted with hidepid doesn't show it.
const kthreadd = 2

// Census is what every process of the machine has used until a moment.
//
// It is taken from each process's own clock, in nanoseconds. The totals in /proc/stat would have those that can't be seen
// as well, but they can't be compared with clocks: sampled by ticks they were 17 % of the cores below the clocks at 1,000
// requests a second and 6 % above at 4,000, and what is left beside the idle time held 6 % for interrupts and for cores
// that woke up.
type Census struct {
	At    time.Time
	Steal time.Duration // of the cores that were asked for, added up, in steps of 10 ms

	processes map[int]Process
}

// Census reads what every process has used, and what the hypervisor took from these cores. The error is ErrHidden where
// there may be processes that can't be seen.
func (f FS) Census(cores []int) (Census, error) {
	if err := f.available(); err != nil {
		return Census{}, err
	}
	steal, err := f.steal(cores)
	if err != nil {
		return Census{}, err
	}
	begin, c := time.Now(), Census{Steal: steal}
	if c.processes, err = f.processes(); err != nil {
		return Census{}, err
	}
	if !c.processes[kthreadd].kernel {
		return Census{}, ErrHidden
	}
	for pid, p := range c.processes {
		p.used = f.exact(p)
		c.processes[pid] = p
	}
	c.At = begin.Add(time.Since(begin) / 2) // one after the other was read
	return c, nil
}

// steal adds up what the hypervisor gave to others while these cores had something to run.
func (f FS) steal(cores []int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(f.root, "stat"))
	if err != nil {
		return 0, fmt.Errorf("reading the time stolen: %w", err)
	}
	stolen, told := int64(0), 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // cpu1 user nice system idle iowait irq softirq steal …
		if len(fields) < 9 {
			continue
		}
		number, isCPU := strings.CutPrefix(fields[0], "cpu")
		core, err := strconv.Atoi(number)
		if !isCPU || err != nil || !slices.Contains(cores, core) {
			continue // the first line adds up all cores
		}
		told++
		stolen += numberAt([]byte(line), 8)
	}
	if told < len(cores) {
		return 0, fmt.Errorf("the time stolen is told of %d of the cores %v", told, cores)
	}
	return time.Duration(stolen) * tick, nil
}

// Stranger is a process that took CPU time and is none of ours.
type Stranger struct {
	PID  int
	Name string
	Used time.Duration
}

// Strangers returns the CPU time since the census before that went to processes that are neither kernel threads, nor among
// these trees, nor alone (which may have others below it); and those that took most of it, the busiest first.
//
// A process that began and ended in between is in what its parent reaped, in steps of 10 ms. Lost is only one that ended
// and whose parent told the kernel not to keep what it used, and with it as much of what others reaped.
func (c Census) Strangers(before Census, trees []int, alone int) (total time.Duration, busiest []Stranger) {
	past, ended := c.past(before, trees, alone)
	reaped := time.Duration(0)
	for pid, p := range c.processes {
		last, there := before.processes[pid]
		if !there || last.started != p.started {
			last = Process{}
		} else if before.ours(pid, trees, alone) {
			continue
		}
		if c.ours(pid, trees, alone) {
			continue
		}
		total += p.used - last.used
		reaped += p.reaped - last.reaped
		if used := p.used - last.used + max(0, p.reaped-last.reaped-ended[pid]); used > 0 {
			busiest = append(busiest, Stranger{pid, p.Name, used})
		}
	}
	slices.SortFunc(busiest, func(a, b Stranger) int { return cmp.Or(cmp.Compare(b.Used, a.Used), cmp.Compare(a.PID, b.PID)) })
	return total + max(0, reaped-past), busiest
}

// past returns what strangers that have ended since had used before, which is in what somebody reaped; and the same by the
// nearest process above each that is still there, who may be that.
func (c Census) past(before Census, trees []int, alone int) (past time.Duration, by map[int]time.Duration) {
	by = map[int]time.Duration{}
	there := func(pid int) bool {
		p, found := c.processes[pid]
		return found && p.started == before.processes[pid].started
	}
	for pid, p := range before.processes {
		if there(pid) || before.ours(pid, trees, alone) {
			continue
		}
		used := p.used + p.reaped
		past += used
		for range len(before.processes) { // parents could go round
			if pid = before.processes[pid].parent; pid == 0 || there(pid) {
				break
			}
		}
		by[pid] += used
	}
	return past, by
}

// ours reports whether a process is no stranger.
func (c Census) ours(pid int, trees []int, alone int) bool {
	if pid == alone || c.processes[pid].kernel {
		return true
	}
	_, found := rootOf(c.processes, pid, trees)
	return found
}
