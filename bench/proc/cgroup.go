package proc

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Group holds the resource usage of a container's control group, including processes that have exited, and the group's
// current memory.
type Group struct {
	Path   string
	CPU    time.Duration
	Memory int64 // in bytes, including the page cache charged to the group
}

// Group returns the control group of the container that a process is in. It returns false if the process isn't in a
// container, or if the group can't be read.
func (f FS) Group(pid int) (Group, bool) {
	text, err := os.ReadFile(f.path(pid, "cgroup"))
	if err != nil {
		return Group{}, false
	}
	root, groups := filepath.Join(f.root, "cgroup"), parseGroups(string(text))
	if f.real {
		root = "/sys/fs/cgroup"
	}
	if path := groups[""]; isContainer(path) {
		for _, mount := range []string{"", "unified"} {
			if stat, err := values(filepath.Join(root, mount, path, "cpu.stat")); err == nil {
				memory, _ := number(filepath.Join(root, path, "memory.current")) // 0 if not available
				return Group{path, time.Duration(stat["usage_usec"]) * time.Microsecond, memory}, true
			}
		}
	}
	path := groups["cpuacct"]
	used, err := number(filepath.Join(root, "cpuacct", path, "cpuacct.usage"))
	if err != nil || !isContainer(path) {
		return Group{}, false
	}
	memory, _ := number(filepath.Join(root, "memory", groups["memory"], "memory.usage_in_bytes"))
	return Group{path, time.Duration(used), memory}, true
}

// parseGroups parses lines such as 4:cpu,cpuacct:/docker/ab12 into a map from controller to path; the key "" stands for
// cgroup version 2.
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

// isContainer reports whether a control group belongs to a container, judging by the group names that container engines
// use. Other groups, such as those of a login session, contain unrelated processes.
func isContainer(path string) bool {
	return regexp.MustCompile(`docker|libpod|kubepods|crio|containerd|lxc|nerdctl`).MatchString(path)
}

// number parses the number at the start of a file.
func number(path string) (int64, error) {
	text, err := os.ReadFile(path)
	return numberAt(text, 0), err
}
