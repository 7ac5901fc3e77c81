package measure

import (
	"strings"
	"testing"
	"time"

	"superheroes/bench/proc"
	"superheroes/bench/proc/proctest"
)

// around is a fake machine with two cores, on which process 10 is the target, process 11 the target's worker, and
// process 12 the target's store.
type around struct{ proctest.Folder }

func newAround(t *testing.T) around {
	p := around{proctest.New(t)}
	p.stolen("0")
	p.Process(proctest.Process{PID: 2, Name: "kthreadd", Kernel: true})
	p.work(10, 1, "superheroes", 0)
	p.work(11, 10, "worker", 0)
	p.work(12, 1, "postgres", 0)
	return p
}

// stolen sets the steal time of the first core, in ticks of 10 ms.
func (p around) stolen(ticks string) {
	p.Write("stat", "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 9 9 9 9 9 9 9 "+ticks+" 0 0\ncpu1 9 9 9 9 9 9 9 0 0 0\n")
}

func (p around) work(pid, parent int, name string, ticks int) {
	p.Process(proctest.Process{PID: pid, Parent: parent, Name: name, User: ticks})
}

// TestSurroundings covers a run of ten seconds on two cores, in which unrelated processes may use at most one second of
// CPU time.
func TestSurroundings(t *testing.T) {
	known := Target{Name: "member", PIDs: []int{10}, StorePIDs: []int{12}}
	for _, c := range []struct {
		name    string
		target  Target
		change  func(around)
		fault   string
		unknown string
	}{
		{"no unrelated processes", known, func(p around) {
			p.work(10, 1, "superheroes", 900)
			p.work(11, 10, "worker", 300)
			p.work(12, 1, "postgres", 400)
		}, "", ""},
		{"four busy loops", known, func(p around) {
			for pid, ticks := range map[int]int{21: 300, 22: 310, 23: 320, 24: 310} {
				p.work(pid, 1, "sh", ticks)
			}
		}, "unrelated processes used 62 % of the cores (limit 5 %): sh (23) 16 %, sh (22) 15.5 %, sh (24) 15.5 %; name processes of the target with pid= or store-pid=", ""},
		{"just within the limit", known, func(p around) { p.work(21, 1, "cron", 100) }, "", ""},
		{"just above the limit", known, func(p around) { p.work(21, 1, "cron", 102) }, "unrelated processes used 5.1 % of the cores (limit", ""},
		{"steal time above the limit", known, func(p around) { p.stolen("104") }, "unrelated processes used 0 % of the cores and the hypervisor 5.2 % (limit 5 %)", ""},
		{"unrelated processes and steal time together above the limit", known, func(p around) {
			p.work(21, 1, "cron", 60)
			p.stolen("60")
		}, "unrelated processes used 3 % of the cores and the hypervisor 3 % (limit", ""},
		{"a store whose PID isn't given", Target{Name: "member", PIDs: []int{10}}, func(p around) { p.work(12, 1, "postgres", 400) }, "postgres (12) 20 %; name processes of the target", ""},
		{"hidden processes", known, func(p around) { p.Gone(2) }, "", proc.ErrHidden.Error()},
		{"a target whose processes are hidden", Target{Name: "member", unseen: "behind docker-proxy", hidden: true},
			func(p around) { p.work(10, 1, "superheroes", 900) }, "", "behind docker-proxy"},
		{"a target on another host", Target{Name: "member", unseen: "on another host"}, func(p around) { p.work(21, 1, "sh", 400) }, "sh (21) 20 %", "on another host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newAround(t)
			read := func(at time.Time) census {
				read, err := proc.At(p.Path).Census([]int{0, 1})
				read.At = at
				return census{read, []int{0, 1}, err}
			}
			begin := time.Now()
			if c.unknown == proc.ErrHidden.Error() {
				c.change(p) // hidden from the start
			}
			before := read(begin)
			c.change(p)
			got := read(begin.Add(10*time.Second)).since(before, c.target)
			if fault := got.fault(); (fault == "") != (c.fault == "") || !strings.Contains(fault, c.fault) {
				t.Errorf("got %q, want %q", fault, c.fault)
			}
			if got.Unknown != c.unknown {
				t.Errorf("the reason for the unknown CPU time of unrelated processes is %q, want %q", got.Unknown, c.unknown)
			}
		})
	}
}

// TestUnchecked checks that a report is marked UNCHECKED rather than VALID or VOID if the CPU share of unrelated
// processes is unknown.
func TestUnchecked(t *testing.T) {
	report := made()
	report.Void, report.Series[0].Members[1].Void = false, nil
	run := &report.Series[0].Members[1].Runs[1]
	run.Surroundings = Surroundings{Unknown: "a container"}
	var text strings.Builder
	if err := report.Text(&text, true); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{
		"  CPU time of unrelated processes unknown: a container\n",
		"\nother: UNCHECKED, 12,200 fights/s, ",
		"\nUNCHECKED: the CPU time of unrelated processes while measuring other is unknown: a container\n",
	} {
		if !strings.Contains(text.String(), said) {
			t.Errorf("the report doesn't contain %q:\n%s", said, text.String())
		}
	}
	if title := report.chart("Title", "", "").Title; !strings.Contains(title, "(UNCHECKED)") {
		t.Errorf("the title of a plot is %q, want it marked UNCHECKED", title)
	}
}
