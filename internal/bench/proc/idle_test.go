package proc

import (
	"runtime"
	"testing"
	"time"
)

func TestIdle(t *testing.T) {
	const text = "cpu  1 1 1 40 5 1 1 1 0 0\ncpu0 1 1 1 30 1 1 1 1 0 0\ncpu1 1 1 1 10 4 1 1 1 0 0\nintr 7 8 9 10 11 12 13\n"
	for _, c := range []struct {
		name  string
		text  string
		cores []int
		want  time.Duration
		fails bool
	}{
		{"one", text, []int{1}, 140 * time.Millisecond, false},
		{"two", text, []int{0, 1}, 450 * time.Millisecond, false},
		{"none", text, nil, 0, false},
		{"one that isn't told of", text, []int{0, 2}, 0, true},
		{"an old kernel", "cpu0 1 1 1 30\n", []int{0}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTree(t)
			p.Write("stat", c.text)
			if got, err := At(p.Path).Idle(c.cores); got != c.want || (err != nil) != c.fails {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	if _, err := At(t.TempDir()).Idle([]int{0}); err == nil {
		t.Error("no error where nothing is told")
	}
}

func TestIdleHere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	cores, err := Cores(0)
	if err != nil {
		t.Fatal(err)
	}
	if idle, err := System().Idle(cores); err != nil || idle <= 0 {
		t.Errorf("the cores %v were idle for %v, %v", cores, idle, err)
	}
}

func TestThrottled(t *testing.T) {
	for _, c := range []struct {
		name, cgroup, path, text string
		want                     time.Duration
	}{
		{"version 2", "0::/a/b\n", "cgroup/a/b/cpu.stat", "usage_usec 9\nnr_throttled 2\nthrottled_usec 1500\n", 1500 * time.Microsecond},
		{"the root of a container", "0::/\n", "cgroup/cpu.stat", "throttled_usec 20\n", 20 * time.Microsecond},
		{"version 1", "4:cpu,cpuacct:/a\n0::/\n", "cgroup/cpu/a/cpu.stat", "nr_periods 7\nthrottled_time 900\n", 900},
		{"no quota", "0::/a\n", "cgroup/a/cpu.stat", "usage_usec 9\n", 0},
		{"a group that can't be seen", "0::/a\n", "cgroup/b/cpu.stat", "throttled_usec 20\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTree(t)
			p.Write("10/cgroup", c.cgroup)
			p.Write(c.path, c.text)
			if got := At(p.Path).Throttled(10); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if got := At(t.TempDir()).Throttled(10); got != 0 {
		t.Errorf("nobody was throttled for %v", got)
	}
}
