package bench

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/internal/bench/proc"
	"superheroes/internal/bench/proc/proctest"
)

// recorded is a /proc of two cores in which this process has the figures of the moment.
type recorded struct{ proctest.Folder }

// moment has each core idle for so many ticks of 10 ms, and both threads waiting for so many milliseconds.
func (p recorded) moment(idle, waited, throttled int) {
	own := strconv.Itoa(selfPID())
	ticks := " 100 0 50 " + strconv.Itoa(idle) + " 0 0 0 0 0 0\n"
	p.Write("stat", "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0"+ticks+"cpu1"+ticks+"cpu2 9 9 9 9 9 9 9 9 9 9\nctxt 9\n")
	for _, task := range []string{"1", "2"} {
		p.Write(own+"/task/"+task+"/schedstat", "1000000 "+strconv.Itoa(waited)+"000000 10\n")
	}
	p.Write(own+"/cgroup", "0::/here\n")
	p.Write("cgroup/here/cpu.stat", "usage_usec 5\nnr_throttled 1\nthrottled_usec "+strconv.Itoa(throttled)+"\n")
}

// TestWaiting has second-long samples of two cores: the same waiting is a shortage or none by what the cores did.
func TestWaiting(t *testing.T) {
	type sample struct{ idle, waited, throttled int } // what was added
	for _, c := range []struct {
		name    string
		samples []sample
		change  func(recorded) // of /proc, before the last sample
		lacked  time.Duration  // of 40 ms waited by two threads, 80 ms in all
	}{
		{"cores that slept", []sample{{100, 40, 0}}, nil, 0},
		{"cores that never slept", []sample{{0, 40, 0}}, nil, 80 * time.Millisecond},
		{"cores that slept half of the time", []sample{{50, 40, 0}}, nil, 40 * time.Millisecond},
		{"a busy second, then a quiet one", []sample{{0, 40, 0}, {100, 0, 0}}, nil, 80 * time.Millisecond},
		{"a quiet second, then a busy one", []sample{{100, 40, 0}, {0, 0, 0}}, nil, 0},
		{"a quota used up on cores that slept", []sample{{100, 40, 900}}, nil, 80 * time.Millisecond},
		{"idle time beyond the sample", []sample{{101, 40, 0}}, nil, 0},
		{"no idle time", []sample{{100, 40, 0}}, func(p recorded) { p.Write("stat", "ctxt 9\n") }, 80 * time.Millisecond},
		{"a core that isn't told of", []sample{{100, 40, 0}}, func(p recorded) { p.Write("stat", "cpu0 100 0 50 900 0\n") }, 80 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := recorded{proctest.New(t)}
			idle, waited, throttled := 500, 100, 5000
			p.moment(idle, waited, throttled)
			w := &waiting{system: proc.At(p.Path), cores: []int{0, 1}}
			w.last = w.read()
			for i, s := range c.samples {
				idle, waited, throttled = idle+s.idle, waited+s.waited, throttled+s.throttled
				p.moment(idle, waited, throttled)
				if c.change != nil && i == len(c.samples)-1 {
					c.change(p)
				}
				now := w.read()
				now.at = w.last.at.Add(time.Second)
				w.add(now)
			}
			if w.all != 80*time.Millisecond || w.lacked != c.lacked {
				t.Errorf("waited %v, lacked a core for %v; want 80ms and %v", w.all, w.lacked, c.lacked)
			}
		})
	}
}

// TestShortage has more threads of this process work than the one core that it may use: their waiting is a shortage.
func TestShortage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	cores, err := proc.Cores(selfPID())
	if err != nil {
		t.Fatal(err)
	}
	if err := proc.Pin(selfPID(), cores[:1]); err != nil {
		t.Skip("threads can't be pinned here:", err)
	}
	const threads = 3
	procs := runtime.GOMAXPROCS(threads + 1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		if err := proc.Pin(selfPID(), cores); err != nil {
			t.Error(err)
		}
	})
	w := newWaiting(proc.System())
	if w.last.idle < 0 {
		t.Skip("idle times can't be read here")
	}
	const long = 300 * time.Millisecond
	until := time.Now().Add(long)
	var busy sync.WaitGroup
	for range threads {
		busy.Go(func() {
			for turns := 0; time.Now().Before(until); {
				turns++ // it takes CPU time, and nothing else
			}
		})
	}
	busy.Wait()
	w.sample()
	if w.all < long || w.lacked < w.all*9/10 {
		t.Errorf("%d threads on one core for %v: they waited %v, %v of it for want of a core", threads, long, w.all, w.lacked)
	}
	run := Run{Seconds: long.Seconds(), Counts: Counts{Measured: 10}, Latency: Latency{Mean: 1000},
		Generator: Generator{Cores: 1, Waited: w.all.Seconds(), Lacked: w.lacked.Seconds()}}
	if signs := strings.Join(run.starved(), "; "); !strings.Contains(signs, "for want of a core") {
		t.Errorf("a run in which that was so is void for %q", signs)
	}
}
