package measure

import (
	"math"
	"slices"
	"strings"

	"superheroes/bench/energy"
	"superheroes/bench/stat"
)

// quantity extracts the value of a figure from a run; NaN means that the run has no value. In the label, {} stands for
// the unit of work, such as a fight.
type quantity struct {
	name, unit, label string
	value             func(Run) float64
}

// These prefixes mark the names of the resource usage figures of a target's stores, and of services and stores
// together. The figures of the services have no prefix.
const storePrefix, togetherPrefix = "store_", "together_"

// base returns the name of a figure without its prefix.
func base(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, storePrefix), togetherPrefix)
}

// latencyPrefix marks the names of latency figures. They are in microseconds, but people read them in milliseconds.
const latencyPrefix = "latency_"

// shown converts a value of the named figure to the unit in the figure's label.
func shown(name string, value float64) float64 {
	if strings.HasPrefix(name, latencyPrefix) {
		return value / 1e3
	}
	return value
}

// quantities returns all quantities, in the order in which the report lists them.
func quantities(model energy.Model) []quantity {
	all := []quantity{
		{"throughput", "/s", "{}s per second", func(r Run) float64 { return r.Throughput }},
		latency("p50", func(l Latency) float64 { return l.P50 }),
		latency("p90", func(l Latency) float64 { return l.P90 }),
		latency("p95", func(l Latency) float64 { return l.P95 }),
		latency("p99", func(l Latency) float64 { return l.P99 }),
		latency("p99.9", func(l Latency) float64 { return l.P999 }),
		latency("max", func(l Latency) float64 { return l.Max }),
		{"bytes", "B", "HTTP bytes per {}", Run.bytes},
		{"generator_cpu_us", "us", "generator CPU us per {}", func(r Run) float64 { return r.Generator.PerUnit }},
	}
	all = append(all, energies(model)...)
	services := used("", func(r Run) *Use { return r.Application })
	stores := used(storePrefix, func(r Run) *Use { return r.Store })
	return slices.Concat(all, services, stores, together(services, stores))
}

// latency returns the quantity for a latency, which is 0 if the run has too few iterations for it.
func latency(name string, of func(Latency) float64) quantity {
	return quantity{latencyPrefix + strings.ReplaceAll(name, ".", "_") + "_us", "us", "latency " + name + ", ms", func(r Run) float64 {
		return where(of(r.Latency) > 0, of(r.Latency))
	}}
}

// together returns the sums of the services' and the stores' quantities, except for shares.
func together(services, stores []quantity) []quantity {
	var all []quantity
	for i, q := range services {
		if q.name == "idle_share" {
			continue
		}
		of, store := q.value, stores[i].value
		q.name, q.value = togetherPrefix+q.name, func(r Run) float64 { return of(r) + store(r) }
		all = append(all, q)
	}
	return all
}

// energies returns the energy quantities, which are reported separately.
func energies(model energy.Model) []quantity {
	measured := func(value func(*MeasuredEnergy) float64) func(Run) float64 {
		return func(r Run) float64 {
			if r.Measured == nil {
				return math.NaN()
			}
			return value(r.Measured)
		}
	}
	return []quantity{
		{"measured_energy_uj", "uJ", "measured energy, uJ per {}", measured(func(e *MeasuredEnergy) float64 { return e.PerUnit })},
		{"measured_idle_watts", "W", "measured idle watts", measured(func(e *MeasuredEnergy) float64 { return e.IdleWatts })},
		{"modelled_energy_uj", "uJ", "modelled energy, uJ per {}", func(r Run) float64 {
			if !r.Application.known() && !r.Store.known() {
				return math.NaN()
			}
			micros := 0.0
			for _, u := range []*Use{r.Application, r.Store} {
				if u.known() {
					micros += u.CPU
				}
			}
			return model.Joules(micros)
		}},
	}
}

// isEnergy reports whether a figure belongs in the energy section of the report.
func isEnergy(name string) bool {
	return strings.HasPrefix(name, "measured_") || strings.HasPrefix(name, "modelled_")
}

// bytes returns the HTTP bytes per iteration, in both directions.
func (r Run) bytes() float64 {
	if r.Counts.Done == 0 {
		return 0
	}
	return float64(r.Counts.Sent+r.Counts.Received) / float64(r.Counts.Done)
}

// used returns the quantities that describe the resource usage of a set of processes.
func used(prefix string, of func(Run) *Use) []quantity {
	q := func(name, unit, label string, value func(*Use) float64) quantity {
		return quantity{prefix + name, unit, label, func(r Run) float64 {
			if u := of(r); u.known() {
				return value(u)
			}
			return math.NaN()
		}}
	}
	return []quantity{
		q("cpu_us", "us", "CPU us per {}", func(u *Use) float64 { return u.CPU }),
		q("cpu_user_us", "us", "  in user mode", func(u *Use) float64 { return u.User }),
		q("cpu_system_us", "us", "  in the kernel", func(u *Use) float64 { return u.System }),
		q("cores", "", "CPU seconds per second", func(u *Use) float64 { return u.Cores }),
		q("idle_cores", "", "  idle, before the run", func(u *Use) float64 { return u.IdleBefore }),
		q("idle_after_cores", "", "  idle, after the run", func(u *Use) float64 { return u.IdleAfter }),
		q("idle_share", "", "  idle share (0 to 1)", func(u *Use) float64 { return u.IdleShare }),
		q("voluntary_switches", "", "voluntary context switches per {}", func(u *Use) float64 { return u.Voluntary }),
		q("involuntary_switches", "", "involuntary context switches per {}", func(u *Use) float64 { return u.Involuntary }),
		q("read_calls", "", "  read calls (/proc/PID/io) per {}", func(u *Use) float64 { return u.ReadCalls }),
		q("write_calls", "", "  write calls (/proc/PID/io) per {}", func(u *Use) float64 { return u.WriteCalls }),
		q("system_calls", "", "system calls per {}", func(u *Use) float64 { return where(u.Calls > 0, u.Calls) }),
		q("storage_bytes", "B", "bytes to storage per {}", func(u *Use) float64 { return u.Storage }),
		q("rss_before_mib", "MiB", "resident MiB before the run", func(u *Use) float64 { return u.memory(u.RSSBefore) }),
		q("rss_peak_mib", "MiB", "peak resident MiB during the run", func(u *Use) float64 { return mib(u.RSSPeak) }),
		q("rss_after_mib", "MiB", "resident MiB after the run", func(u *Use) float64 { return u.memory(u.RSSAfter) }),
		q("container_cpu_us", "us", "container CPU us per {}", func(u *Use) float64 { return where(len(u.Groups) > 0, u.GroupCPU) }),
		q("container_mib", "MiB", "container MiB after the run", func(u *Use) float64 { return where(len(u.Groups) > 0, mib(u.GroupMemory)) }),
		q("pss_after_mib", "MiB", "proportional MiB after the run", func(u *Use) float64 { return u.memory(u.PSSAfter) }),
	}
}

// known reports whether the resource usage of the processes could be measured.
func (u *Use) known() bool { return u != nil && u.Error == "" }

// where returns value if has is true, and NaN otherwise.
func where(has bool, value float64) float64 {
	if has {
		return value
	}
	return math.NaN()
}

// memory converts bytes to MiB. It returns NaN if the memory of one of the processes could not be read, since the sum
// would look smaller than it is.
func (u *Use) memory(bytes int64) float64 {
	unread := slices.ContainsFunc(u.Missing, func(text string) bool { return strings.HasPrefix(text, "memory ") })
	return where(bytes > 0 && !unread, mib(bytes))
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// of summarizes the quantity over the runs. It returns false unless every run has a value for it.
func (q quantity) of(runs []Run) (Figure, bool) {
	f := Figure{Name: q.name, Unit: q.unit}
	for _, run := range runs {
		f.Values = append(f.Values, q.value(run))
	}
	if len(runs) == 0 || slices.ContainsFunc(f.Values, math.IsNaN) {
		return f, false
	}
	f.Median, f.Least, f.Most = stat.Median(f.Values), slices.Min(f.Values), slices.Max(f.Values)
	f.Interval = stat.MedianInterval(f.Values, wantedConfidence)
	return f, true
}
