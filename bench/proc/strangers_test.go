package proc

import (
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"superheroes/bench/proc/proctest"
)

// PIDs of the processes on the fake machine.
const (
	anInit, target, worker, generator, child, other = 1, 10, 11, 20, 21, 30
)

// machine returns a fake /proc with two cores, in which each process has used one second of CPU time.
func machine(t *testing.T) tree {
	p := newTree(t)
	p.Write("stat", "cpu  9 9 9 9 9 9 9 50 0 0\ncpu0 9 9 9 9 9 9 9 20 0 0\ncpu1 9 9 9 9 9 9 9 30 0 0\n")
	for _, one := range []proctest.Process{
		{PID: anInit, Name: "init"}, {PID: kthreadd, Name: "kthreadd", Kernel: true}, {PID: 3, Parent: kthreadd, Name: "kworker/0:0", Kernel: true},
		{PID: target, Parent: anInit, Name: "superheroes"}, {PID: worker, Parent: target, Name: "worker"},
		{PID: generator, Parent: anInit, Name: "bench"}, {PID: child, Parent: generator, Name: "floor"},
		{PID: other, Parent: anInit, Name: "other"},
	} {
		one.User = 100
		p.Process(one)
	}
	return p
}

// TestStrangers covers processes that work, start or exit between two readings. Times are in ticks of 10 ms.
func TestStrangers(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(tree)
		want    int
		busiest string
	}{
		{"no activity", func(tree) {}, 0, ""},
		{"only the target, the generator and the kernel", func(p tree) {
			p.Process(proctest.Process{PID: target, Parent: anInit, User: 200})
			p.Process(proctest.Process{PID: worker, Parent: target, System: 200})
			p.Process(proctest.Process{PID: generator, Parent: anInit, User: 200})
			p.Process(proctest.Process{PID: 3, Parent: kthreadd, System: 200, Kernel: true})
		}, 0, ""},
		{"another process", func(p tree) {
			p.Process(proctest.Process{PID: other, Parent: anInit, Name: "other", User: 120, System: 5})
		}, 25, "other"},
		{"a child of the generator", func(p tree) {
			p.Process(proctest.Process{PID: child, Parent: generator, Name: "floor", User: 107})
		}, 7, "floor"},
		{"a process that started", func(p tree) { p.Process(proctest.Process{PID: 31, Parent: other, Name: "new", User: 9}) }, 9, "new"},
		{"a process that started and exited", func(p tree) {
			p.Process(proctest.Process{PID: other, Parent: anInit, Name: "other", User: 100, ReapedUser: 8, ReapedSystem: 3})
		}, 11, "other"},
		{"a process that used CPU time before and after the first census, then exited", func(p tree) {
			p.Gone(other)
			p.Process(proctest.Process{PID: anInit, Name: "init", User: 100, ReapedUser: 106})
		}, 6, "init"},
		{"a process that exited and was reaped, alongside a busy one", func(p tree) {
			p.Gone(other)
			p.Process(proctest.Process{PID: child, Parent: generator, Name: "floor", User: 105})
			p.Process(proctest.Process{PID: anInit, Name: "init", User: 100, ReapedUser: 102})
		}, 7, "floor"},
		{"a process that exited but was not reaped, alongside a busy one", func(p tree) {
			p.Gone(other)
			p.Process(proctest.Process{PID: anInit, Name: "init", User: 104})
		}, 4, "init"},
		{"a process that exited and whose PID was reused", func(p tree) {
			p.Process(proctest.Process{PID: other, Parent: anInit, Name: "second", User: 30, Started: 500})
			p.Process(proctest.Process{PID: anInit, Name: "init", User: 100, ReapedUser: 102})
		}, 32, "second"},
		{"a worker of the target that exited", func(p tree) {
			p.Gone(worker)
			p.Process(proctest.Process{PID: target, Parent: anInit, User: 100, ReapedUser: 190})
		}, 0, ""},
		{"a worker of the target whose parent exited", func(p tree) {
			p.Gone(target)
			p.Process(proctest.Process{PID: worker, Parent: anInit, User: 190})
		}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := machine(t)
			before, err := At(p.Path).Census([]int{0, 1})
			if err != nil {
				t.Fatal(err)
			}
			c.change(p)
			after, err := At(p.Path).Census([]int{0, 1})
			if err != nil {
				t.Fatal(err)
			}
			got, busiest := after.Strangers(before, []int{target}, generator)
			if want := time.Duration(c.want) * tick; got != want {
				t.Errorf("unrelated processes used %v, want %v", got, want)
			}
			if (len(busiest) > 0) != (c.busiest != "") || len(busiest) > 0 && busiest[0].Name != c.busiest {
				t.Errorf("the busiest unrelated processes are %v, want %q first", busiest, c.busiest)
			}
		})
	}
}

func TestSteal(t *testing.T) {
	p := machine(t)
	for _, c := range []struct {
		cores []int
		want  time.Duration
	}{{[]int{1}, 300 * time.Millisecond}, {[]int{0, 1}, 500 * time.Millisecond}} {
		if got, err := At(p.Path).Census(c.cores); err != nil || got.Steal != c.want {
			t.Errorf("cores %v: got steal %v, %v; want %v", c.cores, got.Steal, err, c.want)
		}
	}
	if _, err := At(p.Path).Census([]int{0, 2}); err == nil || !strings.Contains(err.Error(), "only 1 of the cores") {
		t.Errorf("Census of a core that doesn't exist returned the error %v", err)
	}
}

// TestHidden checks that a census fails if /proc doesn't show every process, since unrelated processes could go
// unnoticed.
func TestHidden(t *testing.T) {
	for name, change := range map[string]func(tree){
		"no kthreadd":               func(p tree) { p.Gone(kthreadd) },
		"a container's own process": func(p tree) { p.Process(proctest.Process{PID: kthreadd, Parent: anInit, Name: "kthreadd"}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := machine(t)
			change(p)
			if _, err := At(p.Path).Census([]int{0}); !errors.Is(err, ErrHidden) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	p := newTree(t)
	if _, err := At(p.Path).Load(); err == nil {
		t.Error("Load returned no error even though loadavg is missing")
	}
	p.Write("loadavg", "2.61 1.08 0.60 3/123 4567\n")
	if got, err := At(p.Path).Load(); got != 2.61 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestBusyProcess checks that a real busy process counts as unrelated to the measurement.
func TestBusyProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	cores, err := Cores(0)
	if err != nil {
		t.Fatal(err)
	}
	before, err := System().Census(cores)
	if errors.Is(err, ErrHidden) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	busy := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = busy.Process.Kill()
		_ = busy.Wait() // it was killed
	})
	const long = 100 * time.Millisecond
	for used := time.Duration(0); used < long; time.Sleep(5 * time.Millisecond) {
		used, _ = clock(busy.Process.Pid)
	}
	after, err := System().Census(cores)
	if err != nil {
		t.Fatal(err)
	}
	total, busiest := after.Strangers(before, nil, 0)
	seen := false
	for _, s := range busiest {
		seen = seen || s.PID == busy.Process.Pid && s.Used >= long
	}
	if total < long || !seen {
		t.Errorf("unrelated processes used %v, want at least %v by process %d; the busiest were %v", total, long, busy.Process.Pid, busiest)
	}
	if without, _ := after.Strangers(before, []int{busy.Process.Pid}, 0); without > total-long {
		t.Errorf("unrelated processes other than the busy one used %v of %v, want at most %v", without, total, total-long)
	}
}
