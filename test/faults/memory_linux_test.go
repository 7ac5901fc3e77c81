package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"superheroes/test/await"
	"superheroes/test/system"
)

// container is a memory cgroup for a test, created as a child of the current cgroup.
type container struct{ dir string }

// newContainer creates a cgroup with a memory limit in bytes, and skips the test if the system doesn't allow that.
func newContainer(t *testing.T, limit int64) container {
	t.Helper()
	dir, file := cgroup(t)
	c := container{filepath.Join(dir, fmt.Sprintf("superheroes-test-%d-%d", os.Getpid(), limit))}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Skipf("creating a memory cgroup is not possible here: %v", err)
	}
	t.Cleanup(func() {
		await.True(t, "the cgroup is removed", func() bool { return os.Remove(c.dir) == nil })
	})
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(strconv.FormatInt(limit, 10)), 0o600); err != nil {
		t.Skipf("limiting the memory of a cgroup is not possible here: %v", err)
	}
	return c
}

// cgroup returns the directory of the current cgroup (version 1 or 2), and the name of the file that sets the memory
// limit of a child cgroup.
func cgroup(t *testing.T) (dir, file string) {
	t.Helper()
	ours, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skipf("this system has no cgroups: %v", err)
	}
	for line := range strings.Lines(string(ours)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for _, candidate := range []struct{ controller, root, file string }{
			{"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"", "/sys/fs/cgroup", "memory.max"},
		} {
			dir := filepath.Join(candidate.root, fields[2])
			if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil && fields[1] == candidate.controller {
				return dir, candidate.file
			}
		}
	}
	t.Skip("this system has no memory cgroups")
	return "", ""
}

// up starts the program in the container. Garbage collection is triggered only by the memory limit, and each collection
// prints a line to stderr. A shell enters the cgroup and then replaces itself with the program (exec), so that the
// program runs in the shell's process.
func (c container) up(t *testing.T, program string, env ...string) *system.System {
	t.Helper()
	script := filepath.Join(t.TempDir(), "inside")
	text := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs || exit 1\nGOGC=off GODEBUG=gctrace=1 %s exec %s \"$@\"\n",
		c.dir, strings.Join(env, " "), program)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return system.Up(t, script, t.TempDir())
}

const mebibyte = 1 << 20

// goals makes the program allocate far more than the container's memory, and returns the heap goals of the garbage
// collections, in MB.
func goals(t *testing.T, s *system.System, allocate int) []int {
	t.Helper()
	for got := 0; got < allocate; {
		got += len(wantOK(t, s.Heroes+"/openapi.json").body)
		got += 2 * len(wantOK(t, s.Heroes+"/api/heroes").body) // memory for rows and their JSON
	}
	var sizes []int
	for _, found := range regexp.MustCompile(`gc \d+ @.* (\d+) MB goal`).FindAllStringSubmatch(s.Processes["heroes"].Stderr.String(), -1) {
		size, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, size)
	}
	return sizes
}

// plain builds the program without the race detector, because the race detector would use up the container's memory.
func plain(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "superheroes")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "superheroes/cmd/superheroes").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, output)
	}
	return path
}

// testMemoryLimit checks that the program derives its heap limit from the container's memory limit.
func testMemoryLimit(t *testing.T, _ string) {
	program := plain(t)
	t.Run("container limit", func(t *testing.T) {
		s := newContainer(t, 64*mebibyte).up(t, program)
		sizes := goals(t, s, 120*mebibyte)
		if len(sizes) == 0 {
			t.Fatal("the garbage collector never ran, so no memory limit was set")
		}
		for _, size := range sizes {
			if size > 64 {
				t.Errorf("the heap goal is %d MB in a 64 MB container", size)
			}
		}
	})
	t.Run("GOMEMLIMIT overrides the container limit", func(t *testing.T) {
		s := newContainer(t, 512*mebibyte).up(t, program, "GOMEMLIMIT=48MiB")
		sizes := goals(t, s, 80*mebibyte)
		if len(sizes) == 0 {
			t.Fatal("the garbage collector never ran, so the limit from the environment was not used")
		}
	})
}
