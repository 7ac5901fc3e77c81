package telemetry

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// runtimeSeries lists the series of the Go runtime. The value of each is the sum of the given metrics of package
// runtime/metrics. The names are those of Prometheus' client library for Go, which existing dashboards use.
var runtimeSeries = []struct {
	family *Family
	from   []string
}{
	{gauge("go_goroutines", "", "Number of goroutines."), []string{"/sched/goroutines:goroutines"}},
	{gauge("go_threads", "", "Number of operating system threads of the Go runtime."), []string{"/sched/threads/total:threads"}},
	{gauge("go_sched_gomaxprocs_threads", "", "GOMAXPROCS: maximum number of threads that execute Go code simultaneously."), []string{"/sched/gomaxprocs:threads"}},
	{gauge("go_gc_gogc_percent", "", "GOGC: heap growth that triggers a garbage collection."), []string{"/gc/gogc:percent"}},
	{gauge("go_gc_gomemlimit_bytes", "By", "GOMEMLIMIT: memory limit of the Go runtime."), []string{"/gc/gomemlimit:bytes"}},
	{counter("go_memstats_alloc_bytes_total", "By", "Heap bytes allocated since the process started."), []string{"/gc/heap/allocs:bytes"}},
	{counter("go_memstats_mallocs_total", "", "Heap objects allocated since the process started."), []string{"/gc/heap/allocs:objects", "/gc/heap/tiny/allocs:objects"}},
	{counter("go_memstats_frees_total", "", "Heap objects freed since the process started."), []string{"/gc/heap/frees:objects", "/gc/heap/tiny/allocs:objects"}},
	// The library also serves this value as go_memstats_alloc_bytes, but in OpenMetrics, that is the name of the
	// counter above, without its suffix _total.
	{gauge("go_memstats_heap_alloc_bytes", "By", "Bytes occupied by heap objects."), []string{"/memory/classes/heap/objects:bytes"}},
	{gauge("go_memstats_heap_objects", "", "Number of heap objects."), []string{"/gc/heap/objects:objects"}},
	{gauge("go_memstats_heap_inuse_bytes", "By", "Heap bytes in use, including unused space between objects."), []string{
		"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes",
	}},
	{gauge("go_memstats_heap_idle_bytes", "By", "Heap bytes not in use, including those returned to the operating system."), []string{
		"/memory/classes/heap/free:bytes", "/memory/classes/heap/released:bytes",
	}},
	{gauge("go_memstats_heap_released_bytes", "By", "Heap bytes returned to the operating system."), []string{"/memory/classes/heap/released:bytes"}},
	{gauge("go_memstats_stack_inuse_bytes", "By", "Bytes used for goroutine stacks."), []string{"/memory/classes/heap/stacks:bytes"}},
	{gauge("go_memstats_sys_bytes", "By", "Bytes obtained from the operating system."), []string{"/memory/classes/total:bytes"}},
	{gauge("go_memstats_next_gc_bytes", "By", "Heap size that the garbage collector tries not to exceed."), []string{"/gc/heap/goal:bytes"}},
}

var (
	goInfo     = gauge("go_info", "", "Go version that the program was built with; always 1.", "version")
	gcDuration = Family{
		Name: "go_gc_duration_seconds", Type: SummaryType, Unit: "s",
		Help: "Duration of the pauses for garbage collection.",
	}
	processCPU      = counter("process_cpu_seconds_total", "s", "User and system CPU time of the process.")
	processStart    = gauge("process_start_time_seconds", "s", "Start time of the process, in seconds since January 1, 1970 (UTC).")
	processResident = gauge("process_resident_memory_bytes", "By", "Resident memory size.")
	processVirtual  = gauge("process_virtual_memory_bytes", "By", "Virtual memory size.")
	processOpenFDs  = gauge("process_open_fds", "", "Number of open file descriptors.")
	processMaxFDs   = gauge("process_max_fds", "", "Maximum number of open file descriptors.")
)

// AddRuntime adds the metrics of the Go runtime and of the process.
func (m *Metrics) AddRuntime() {
	for _, s := range runtimeSeries {
		m.Func(s.family, func() float64 { return readRuntime(s.from) })
	}
	m.Func(goInfo, func() float64 { return 1 }, runtime.Version())
	m.Summary(&gcDuration, pauses)
	begun := float64(time.Now().UnixMilli()) / 1000
	m.Func(processStart, func() float64 { return begun })
	m.addProcess()
}

// readRuntime returns the sum of the given metrics of package runtime/metrics.
func readRuntime(names []string) (sum float64) {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += float64(s.Value.Uint64())
		}
	}
	return sum
}

// pauses returns the quartiles of recent garbage collection pauses, and the sum and number of all pauses.
func pauses() Summary {
	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&stats)
	s := Summary{Sum: stats.PauseTotal.Seconds(), Count: uint64(stats.NumGC)}
	for i, pause := range stats.PauseQuantiles {
		s.Quantiles = append(s.Quantiles, [2]float64{float64(i) / 4, pause.Seconds()})
	}
	return s
}
