package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Idle returns for how long these cores, added up, have had nothing to run since the system started, in steps of 10 ms. A
// core whose tasks wait for a disk is idle too. An error means that one of them isn't told of.
func (f FS) Idle(cores []int) (time.Duration, error) {
	if err := f.available(); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(f.root, "stat"))
	if err != nil {
		return 0, fmt.Errorf("reading idle times: %w", err)
	}
	idle, told := int64(0), 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // cpu1 user nice system idle iowait …
		if len(fields) < 6 {
			continue
		}
		number, isCPU := strings.CutPrefix(fields[0], "cpu")
		core, err := strconv.Atoi(number)
		if !isCPU || err != nil || !slices.Contains(cores, core) {
			continue // the first line adds up all cores
		}
		told++
		idle += numberAt([]byte(line), 4) + numberAt([]byte(line), 5)
	}
	if told < len(cores) {
		return 0, fmt.Errorf("idle times are told of %d of the cores %v", told, cores)
	}
	return time.Duration(idle) * tick, nil
}

// Throttled returns for how long the control group of a process was kept from running because its quota of CPU was used
// up; 0 when it has none that can be seen.
func (f FS) Throttled(pid int) time.Duration {
	text, err := os.ReadFile(f.path(pid, "cgroup"))
	if err != nil {
		return 0
	}
	groups := parseGroups(string(text))
	for _, folder := range []string{
		groups[""], // version 2
		filepath.Join("unified", groups[""]),
		filepath.Join("cpu", groups["cpu"]), // version 1
	} {
		stat, err := f.lines(filepath.Join(f.groups(), folder, "cpu.stat"))
		if err != nil {
			continue
		}
		if ns := stat["throttled_time"]; ns > 0 { // of version 1
			return time.Duration(ns)
		}
		if us := stat["throttled_usec"]; us > 0 {
			return time.Duration(us) * time.Microsecond
		}
	}
	return 0
}
