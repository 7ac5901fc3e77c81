package proc

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// errNoContainer means that a process is not in a container.
var errNoContainer = errors.New("not in a container")

// Group is the usage of a container's control group, including processes that have exited, and its current memory.
type Group struct {
	Path   string
	CPU    time.Duration
	Memory int64 // bytes, including the page cache charged to it
}

// Group returns the control group of the container that a process is in. It returns false if the process is in none or in
// our own, or if the group can't be read.
func (f FS) Group(pid int) (Group, bool) {
	g, err := f.group(pid)
	return g, err == nil
}

func (f FS) group(pid int) (Group, error) {
	text, err := os.ReadFile(f.path(pid, "cgroup"))
	if err != nil {
		return Group{}, err
	}
	groups := parseGroups(string(text))
	if unified, there := groups[""]; there && isContainer(unified) {
		g, err := f.unified(unified)
		if err == nil {
			return g, nil
		}
	}
	if !isContainer(groups["cpuacct"]) {
		return Group{}, errNoContainer
	}
	return f.legacy(groups["cpuacct"], groups["memory"])
}

// parseGroups parses lines such as 4:cpu,cpuacct:/docker/ab12 into paths by controller; the key "" is version 2.
func parseGroups(text string) map[string]string {
	groups := map[string]string{}
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			groups[controller] = parts[2]
		}
	}
	return groups
}

// isContainer reports whether a group belongs to a container, by the names that container engines use. Other groups, such as
// those of a login session, contain unrelated processes.
func isContainer(path string) bool {
	return regexp.MustCompile(`docker|libpod|kubepods|crio|containerd|lxc|nerdctl`).MatchString(path)
}

func (f FS) unified(path string) (Group, error) {
	folder := filepath.Join(f.groups(), path)
	stat, err := f.lines(filepath.Join(folder, "cpu.stat"))
	if err != nil {
		if stat, err = f.lines(filepath.Join(f.groups(), "unified", path, "cpu.stat")); err != nil {
			return Group{}, err
		}
	}
	g := Group{Path: path, CPU: time.Duration(stat["usage_usec"]) * time.Microsecond}
	if text, err := os.ReadFile(filepath.Join(folder, "memory.current")); err == nil {
		g.Memory = numberAt(text, 0)
	}
	return g, nil
}

func (f FS) legacy(cpu, memory string) (Group, error) {
	text, err := os.ReadFile(filepath.Join(f.groups(), "cpuacct", cpu, "cpuacct.usage"))
	if err != nil {
		return Group{}, err
	}
	g := Group{Path: cpu, CPU: time.Duration(numberAt(text, 0))}
	if text, err := os.ReadFile(filepath.Join(f.groups(), "memory", memory, "memory.usage_in_bytes")); err == nil {
		g.Memory = numberAt(text, 0)
	}
	return g, nil
}

// groups returns the folder of the control group file system.
func (f FS) groups() string {
	if f.real {
		return "/sys/fs/cgroup"
	}
	return filepath.Join(f.root, "cgroup")
}

// lines parses lines such as "usage_usec 12".
func (f FS) lines(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseValues([]byte(strings.ReplaceAll(string(text), " ", ": "))), nil
}
