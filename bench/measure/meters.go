package measure

import (
	"context"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"superheroes/bench/proc"
)

func selfPID() int { return os.Getpid() }

// point is a point in a run at which the resource usage of the processes is read.
type point int

const (
	idleBegin point = iota // start of the idle period before the run
	idleEnd
	loadBegin // start of the measured time
	loadEnd
	restBegin // start of the idle period after the run
	restEnd
	points
)

// use collects the resource usage of one set of processes.
type use struct {
	system proc.FS
	pids   []int
	at     [points]proc.Usage
	peak   int64
	pss    []int64 // readings during the measured time
	err    error   // the first error, after which there are no figures

	counter *proc.Calls // nil when system calls aren't counted
	calls   int64       // number of system calls in the measured time
	noCalls error       // why system calls could not be counted
}

// meters measures the resource usage of a target's processes.
type meters struct {
	application, store *use
	weighed            time.Time // when the proportional memory was last read
}

// weighEvery is the interval at which the proportional memory is read. Each reading takes milliseconds, or more for a
// database server with many processes.
const weighEvery = 10 * time.Second

func (m measurement) meters() *meters {
	return &meters{
		application: &use{system: m.system, pids: m.target.PIDs},
		store:       &use{system: m.system, pids: m.target.StorePIDs},
	}
}

func (m *meters) each(do func(*use)) {
	for _, u := range []*use{m.application, m.store} {
		if len(u.pids) > 0 && u.err == nil {
			do(u)
		}
	}
}

func (m *meters) read(p point) {
	m.each(func(u *use) { u.at[p], u.err = u.system.Usage(u.pids) })
}

// countCalls starts counting system calls.
func (m *meters) countCalls() {
	m.each(func(u *use) { u.counter, u.noCalls = proc.CountCalls(u.at[loadBegin].PIDs) })
}

// called stops counting system calls and stores the count.
func (m *meters) called() {
	m.each(func(u *use) {
		if u.counter == nil {
			return
		}
		u.calls, u.noCalls = u.counter.Count()
		u.counter.Close()
	})
}

// watch updates the memory figures.
func (m *meters) watch() {
	m.each(func(u *use) { u.peak = max(u.peak, u.system.RSS(u.at[loadBegin].PIDs)) })
	if m.weighed.IsZero() {
		m.weighed = time.Now() // the memory has just been read, at the start of the measured time
	}
	if time.Since(m.weighed) < weighEvery {
		return
	}
	m.each(func(u *use) { u.pss = append(u.pss, u.system.PSS(u.at[loadBegin].PIDs)) })
	m.weighed = time.Now()
}

// rest measures the idle processes, and returns the machine's power draw during that period, in watts.
func (m measurement) rest(ctx context.Context, meters *meters, from, to point) (watts float64) {
	meters.read(from)
	if m.Idle <= 0 {
		meters.each(func(u *use) { u.at[to] = u.at[from] })
		return 0
	}
	begin, joules := time.Now(), m.joules()
	Pause(ctx, m.Idle)
	watts = (m.joules() - joules) / time.Since(begin).Seconds()
	meters.read(to)
	return watts
}

// Pause waits for a while, or until ctx is done.
func Pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Use is the resource usage of a set of processes. Figures for the measured time are per iteration completed in that
// time.
type Use struct {
	PIDs    []int  `json:"pids"`
	Error   string `json:"error,omitempty"` // why there are no figures
	Threads int    `json:"threads"`

	CPU    float64 `json:"cpu_us"`
	Trees  []Tree  `json:"trees,omitempty"` // CPU time of each process that was given by PID or found by port
	User   float64 `json:"user_us"`
	System float64 `json:"system_us"`
	Cores  float64 `json:"cores"` // CPU seconds used per second

	IdleBefore float64 `json:"idle_before_cores"` // CPU seconds used per second by the idle processes
	IdleAfter  float64 `json:"idle_after_cores"`
	IdleShare  float64 `json:"idle_share"` // share of the CPU time that the processes would also have used while idle

	Voluntary   float64 `json:"voluntary_switches"`
	Involuntary float64 `json:"involuntary_switches"`
	ReadCalls   float64 `json:"read_calls"`
	WriteCalls  float64 `json:"write_calls"`
	Storage     float64 `json:"storage_bytes"`
	Calls       float64 `json:"system_calls,omitempty"` // all system calls; 0 if they weren't counted

	RSSBefore int64 `json:"rss_before_bytes"`
	RSSPeak   int64 `json:"rss_peak_bytes"`
	RSSAfter  int64 `json:"rss_after_bytes"`
	PSSBefore int64 `json:"pss_before_bytes"`
	PSSAfter  int64 `json:"pss_after_bytes"`
	PSSMean   int64 `json:"pss_mean_bytes"` // over the readings at the start, every ten seconds, and at the end
	PSSPeak   int64 `json:"pss_peak_bytes"` // of the same readings

	Groups      []string `json:"containers,omitempty"` // control groups of the processes' containers
	GroupCPU    float64  `json:"container_cpu_us"`
	GroupMemory int64    `json:"container_memory_bytes"`

	Missing []string `json:"missing,omitempty"`
}

// Tree holds the CPU time of a process and all its descendants, such as a database server with its workers.
type Tree struct {
	PID int     `json:"pid"`
	CPU float64 `json:"cpu_us"`
}

// result computes the resource usage figures from the readings. It returns nil if no processes are known.
func (u *use) result(seconds, done float64) *Use {
	if len(u.pids) == 0 {
		return nil
	}
	if u.err != nil {
		return &Use{PIDs: u.pids, Error: u.err.Error()}
	}
	before, begin, end, after := u.at[idleEnd], u.at[loadBegin], u.at[loadEnd], u.at[restEnd]
	spent := end.Since(begin)
	each := func(n int64) float64 {
		if done == 0 {
			return 0
		}
		return float64(max(n, 0)) / done
	}
	result := &Use{
		PIDs: u.pids, Threads: end.Threads,
		CPU: each(int64(spent.CPU)) / 1e3, User: each(int64(spent.User)) / 1e3, System: each(int64(spent.System)) / 1e3,
		Cores: spent.CPU.Seconds() / seconds, IdleBefore: u.cores(idleBegin, idleEnd), IdleAfter: u.cores(restBegin, restEnd),
		Voluntary: each(spent.Voluntary), Involuntary: each(spent.Involuntary),
		ReadCalls: each(spent.ReadCalls), WriteCalls: each(spent.WriteCalls), Storage: each(spent.Storage),
		RSSBefore: before.RSS, RSSPeak: max(u.peak, begin.RSS, end.RSS), RSSAfter: after.RSS,
		Groups: end.Groups, GroupCPU: each(int64(spent.GroupCPU)) / 1e3, GroupMemory: end.GroupMemory,
		PSSBefore: before.PSS, PSSAfter: after.PSS, Missing: end.Missing,
	}
	weights := append([]int64{begin.PSS, end.PSS}, u.pss...)
	for _, weight := range weights {
		result.PSSMean += weight / int64(len(weights))
	}
	result.PSSPeak = slices.Max(weights)
	for _, pid := range slices.Sorted(maps.Keys(spent.Trees)) {
		result.Trees = append(result.Trees, Tree{pid, each(int64(spent.Trees[pid])) / 1e3})
	}
	result.Calls = each(u.calls)
	if u.noCalls != nil {
		result.Missing = append(result.Missing, u.noCalls.Error())
	}
	if result.Cores > 0 {
		result.IdleShare = min(1, result.IdleBefore/result.Cores)
	}
	return result
}

// cores returns the CPU seconds used per second between two points, or 0 if no time has passed.
func (u *use) cores(from, to point) float64 {
	seconds := u.at[to].At.Sub(u.at[from].At).Seconds()
	if seconds == 0 {
		return 0
	}
	return u.at[to].Since(u.at[from]).CPU.Seconds() / seconds
}

// cores returns the number of cores that this process can use.
func (m measurement) cores() float64 {
	cores := runtime.GOMAXPROCS(0)
	if allowed, err := proc.Cores(0); err == nil {
		cores = min(cores, len(allowed))
	}
	return float64(cores)
}

func micros(nanoseconds int64) float64 { return float64(nanoseconds) / 1e3 }
