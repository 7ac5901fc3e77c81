package proc

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"superheroes/bench/proc/proctest"
)

// tree is a fake /proc to which tests add processes.
type tree struct{ proctest.Folder }

func newTree(t *testing.T) tree { return tree{proctest.New(t)} }

// process adds a process. Times are in ticks of 10 ms.
func (p tree) process(pid, parent int, name string, user, system, reapedUser, reapedSystem int) {
	at := strconv.Itoa(pid) + "/"
	p.Process(proctest.Process{PID: pid, Parent: parent, Name: name, User: user, System: system, ReapedUser: reapedUser, ReapedSystem: reapedSystem})
	p.Write(at+"statm", "1000 300 100 10 0 200 0\n")
	p.Write(at+"smaps_rollup", "5581e000-7ffd000 ---p 00000000 00:00 0    [rollup]\nRss:                1200 kB\nPss:                 700 kB\nPss_Anon:            600 kB\n")
	p.Write(at+"io", "rchar: 5\nwchar: 6\nsyscr: 70\nsyscw: 80\nread_bytes: 0\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n")
	for thread := range 2 {
		task := at + "task/" + strconv.Itoa(pid+thread) + "/"
		p.Write(task+"status", "Name:\t"+name+"\nvoluntary_ctxt_switches:\t10\nnonvoluntary_ctxt_switches:\t3\n")
	}
}

func TestUsage(t *testing.T) {
	p := newTree(t)
	p.process(10, 1, "master (with) brackets", 100, 50, 7, 3)
	p.process(20, 10, "worker", 30, 20, 0, 0)
	p.process(30, 20, "worker's", 1, 2, 0, 0)
	p.process(40, 1, "another", 999, 999, 0, 0)
	got, err := At(p.Path).Usage([]int{10})
	if err != nil {
		t.Fatal(err)
	}
	want := Usage{
		CPU: 2130 * time.Millisecond, User: 1380 * time.Millisecond, System: 750 * time.Millisecond,
		RSS: 3 * 1200 << 10, PSS: 3 * 700 << 10, Voluntary: 60, Involuntary: 18, ReadCalls: 210, WriteCalls: 240,
		Storage: 3 * 4096, Threads: 6, PIDs: []int{10, 20, 30}, At: got.At,
		Trees: map[int]time.Duration{10: 2130 * time.Millisecond},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if pss := At(p.Path).PSS([]int{10, 20, 77}); pss != 2*700<<10 {
		t.Errorf("the proportional memory of two processes is %d bytes, want %d", pss, 2*700<<10)
	}
	if rss := At(p.Path).RSS([]int{10, 20, 77}); rss != 600*int64(os.Getpagesize()) {
		t.Errorf("resident memory is %d", rss)
	}
	if since := got.Since(want); since.CPU != 0 || since.Voluntary != 0 || since.Storage != 0 || since.RSS != got.RSS {
		t.Errorf("usage between two equal readings is %+v", since)
	}
}

// TestExitedWorker covers a database server whose worker exits between two readings. At the second reading, the
// worker's usage is included only in its parent's total for reaped children.
func TestExitedWorker(t *testing.T) {
	p := newTree(t)
	p.process(10, 1, "server", 100, 0, 0, 0)
	p.process(20, 10, "worker", 30, 20, 0, 0)
	p.process(21, 10, "named as well", 5, 0, 0, 0) // counts once, separately
	before, err := At(p.Path).Usage([]int{10, 21})
	if err != nil {
		t.Fatal(err)
	}
	p.process(10, 1, "server", 110, 0, 35, 22)
	if err := os.RemoveAll(filepath.Join(p.Path, "20")); err != nil {
		t.Fatal(err)
	}
	after, err := At(p.Path).Usage([]int{10, 21})
	if err != nil {
		t.Fatal(err)
	}
	if before.CPU != 1550*time.Millisecond || before.Trees[21] != 50*time.Millisecond {
		t.Errorf("CPU time before the worker exited is %v, by process %v", before.CPU, before.Trees)
	}
	used := after.Since(before)
	want := map[int]time.Duration{10: 170 * time.Millisecond, 21: 0} // 10 ticks used by the server, 5 + 2 by the worker
	if used.CPU != want[10] || !maps.Equal(used.Trees, want) {
		t.Errorf("CPU time between the readings is %v, by process %v; want %v", used.CPU, used.Trees, want)
	}
}

func TestUsageListsMissingFigures(t *testing.T) {
	p := newTree(t)
	p.process(10, 1, "closed", 1, 0, 0, 0)
	path := filepath.Join(p.Path, "10", "io")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil { // a folder, which can't be read even by root
		t.Fatal(err)
	}
	got, err := At(p.Path).Usage([]int{10})
	if err != nil || len(got.Missing) != 1 || !strings.Contains(got.Missing[0], "system calls of process 10 (closed)") {
		t.Errorf("got %q, %v", got.Missing, err)
	}
}

func TestTree(t *testing.T) {
	p := newTree(t)
	p.process(10, 11, "a", 1, 0, 0, 0) // 10 and 11 are each other's parents
	p.process(11, 10, "b", 1, 0, 0, 0)
	p.process(12, 1, "c", 1, 0, 0, 0)
	if err := os.Mkdir(filepath.Join(p.Path, "13"), 0o755); err != nil { // like a process that has just exited
		t.Fatal(err)
	}
	if got, err := At(p.Path).Tree([]int{12}); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := At(p.Path).Tree([]int{12, 14}); err == nil || !strings.Contains(err.Error(), "14") {
		t.Errorf("Tree of a process that doesn't exist returned the error %v", err)
	}
}

func TestParseStatRejectsInvalidText(t *testing.T) {
	for _, text := range []string{"", "1 2 3", "1 (a) S", "1 )a( S 1"} {
		if got, err := parseStat(1, text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestListening(t *testing.T) {
	p := newTree(t)
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	row := func(address, state, inode string) string {
		return "   0: " + address + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000     0        0 " + inode + " 1 0000 100 0 0 10 0\n"
	}
	p.Write("net/tcp", head+row("0100007F:1F44", "0A", "500")+row("00000000:1F45", "0A", "501")+row("0100007F:1F44", "01", "502"))
	p.Write("net/tcp6", head+row("00000000000000000000000000000000:1F46", "0A", "503")+row("00000000000000000000000001000000:1F44", "0A", "504"))
	for pid, inode := range map[int]string{10: "500", 20: "501", 30: "502", 40: "503", 50: "504"} {
		folder := filepath.Join(p.Path, strconv.Itoa(pid), "fd")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("socket:["+inode+"]", filepath.Join(folder, "3")); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, host string
		port       int
		want       []int
	}{
		{"loopback", "127.0.0.1", 8004, []int{10}},
		{"IPv6 loopback", "::1", 8004, []int{50}},
		{"a name", "localhost", 8004, []int{10, 50}},
		{"all addresses", "127.0.0.1", 8005, []int{20}},
		{"all IPv6 addresses", "127.0.0.1", 8006, []int{40}},
		{"another address", "10.0.0.1", 8004, nil},
		{"no listener", "127.0.0.1", 8007, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := At(p.Path).Listening(c.host, c.port)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestVariable(t *testing.T) {
	p := newTree(t)
	p.Write("10/environ", "A=1\x00GOMAXPROCS=3\x00GOMAXPROCSX=4\x00")
	if got := At(p.Path).Variable(10, "GOMAXPROCS"); got != "3" {
		t.Errorf("got %q", got)
	}
	if got := At(p.Path).Variable(11, "GOMAXPROCS"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name, cgroup string
		files        map[string]string
		want         Group
		ok           bool
	}{
		{"version 2", "0::/system.slice/docker-ab12.scope\n", map[string]string{
			"system.slice/docker-ab12.scope/cpu.stat":       "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n",
			"system.slice/docker-ab12.scope/memory.current": "4096\n",
		}, Group{"/system.slice/docker-ab12.scope", 1500 * time.Microsecond, 4096}, true},
		{"version 1", "5:memory:/docker/ab12\n2:cpu,cpuacct:/docker/ab12\n0::/\n", map[string]string{
			"cpuacct/docker/ab12/cpuacct.usage":        "7000\n",
			"memory/docker/ab12/memory.usage_in_bytes": "8192\n",
		}, Group{"/docker/ab12", 7 * time.Microsecond, 8192}, true},
		{"no container", "0::/user.slice/session-1.scope\n", nil, Group{}, false},
		{"an unreadable group", "0::/kubepods/pod1\n", nil, Group{}, false},
		{"an empty file", "", nil, Group{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTree(t)
			p.process(10, 1, "one", 1, 0, 0, 0)
			p.Write("10/cgroup", c.cgroup)
			for path, text := range c.files {
				p.Write("cgroup/"+path, text)
			}
			if got, ok := At(p.Path).Group(10); got != c.want || ok != c.ok {
				t.Errorf("got %+v, %v; want %+v, %v", got, ok, c.want, c.ok)
			}
			usage, err := At(p.Path).Usage([]int{10})
			if err != nil || usage.GroupCPU != c.want.CPU || (len(usage.Groups) == 1) != c.ok {
				t.Errorf("usage %+v, %v", usage, err)
			}
		})
	}
}

// TestOwnProcess reads the kernel's own /proc and checks that a process's clock includes the CPU time it has just used.
func TestOwnProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	before, err := System().Usage([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	selfBefore, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	for begin := selfBefore; ; {
		now, err := Self()
		if err != nil {
			t.Fatal(err)
		}
		if now-begin > 30*time.Millisecond {
			break
		}
	}
	after, err := System().Usage([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if used := after.Since(before).CPU; used < 30*time.Millisecond {
		t.Errorf("the process used 30 ms of CPU time, but its usage grew by only %v", used)
	}
	if after.RSS == 0 || after.PSS == 0 || after.Threads == 0 || after.Voluntary == 0 || after.ReadCalls == 0 {
		t.Errorf("got %+v", after)
	}
	if cores, err := Cores(0); err != nil || len(cores) == 0 || len(cores) > runtime.NumCPU() {
		t.Errorf("cores %v, %v", cores, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("1 (a b) S 2 1 1 0 -1 4194560 900 0 0 0 100 50 7 3 20 0 2 0 100 1000 300")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parseStat(1, text); err == nil && !strings.Contains(text, p.Name) {
			t.Errorf("parsed the name %q, which is not in %q", p.Name, text)
		}
	})
}

// TestExitedChild checks the usage of a shell whose child has used CPU time and exited: the reading before the shell
// exits must match the kernel's total afterwards.
func TestExitedChild(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done); echo; read line")
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	usage, err := System().Usage([]int{shell.Process.Pid})
	_ = in.Close()
	_ = shell.Wait() // the shell exits with status 1 at the end of its input
	if err != nil {
		t.Fatal(err)
	}
	whole := shell.ProcessState.UserTime() + shell.ProcessState.SystemTime()
	const steps = 2 * tick // user and system time of children are in whole ticks
	if whole <= 2*steps || usage.CPU < whole-steps-tick || usage.CPU > whole+tick {
		t.Errorf("usage was %v before the shell exited, but the kernel's total afterwards is %v", usage.CPU, whole)
	}
	if usage.Trees[shell.Process.Pid] != usage.CPU {
		t.Errorf("by process: %v", usage.Trees)
	}
}
