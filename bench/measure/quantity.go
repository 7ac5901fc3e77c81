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

// storePrefix marks the names of the resource usage figures of a target's stores.
const storePrefix = "store_"

// quantities returns all quantities, in the order in which the report lists them.
func quantities(model energy.Model) []quantity {
	all := []quantity{
		{"throughput", "/s", "{}s per second", func(r Run) float64 { return r.Throughput }},
		{"latency_p50_us", "us", "latency p50, us", func(r Run) float64 { return r.Latency.P50 }},
		{"latency_p90_us", "us", "latency p90, us", func(r Run) float64 { return r.Latency.P90 }},
		{"latency_p99_us", "us", "latency p99, us", func(r Run) float64 { return r.Latency.P99 }},
		{"latency_p99_9_us", "us", "latency p99.9, us", func(r Run) float64 { return r.Latency.P999 }},
		{"latency_max_us", "us", "latency max, us", func(r Run) float64 { return r.Latency.Max }},
		{"bytes", "B", "HTTP bytes per {}", Run.bytes},
		{"generator_cpu_us", "us", "generator CPU us per {}", func(r Run) float64 { return r.Generator.PerUnit }},
	}
	all = append(all, energies(model)...)
	all = append(all, used("", func(r Run) *Use { return r.Application })...)
	return append(all, used(storePrefix, func(r Run) *Use { return r.Store })...)
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
		q("rss_before_mib", "MiB", "resident MiB before the run", func(u *Use) float64 { return mib(u.RSSBefore) }),
		q("rss_peak_mib", "MiB", "peak resident MiB during the run", func(u *Use) float64 { return mib(u.RSSPeak) }),
		q("rss_after_mib", "MiB", "resident MiB after the run", func(u *Use) float64 { return mib(u.RSSAfter) }),
		q("container_cpu_us", "us", "container CPU us per {}", func(u *Use) float64 { return where(len(u.Groups) > 0, u.GroupCPU) }),
		q("container_mib", "MiB", "container MiB after the run", func(u *Use) float64 { return where(len(u.Groups) > 0, mib(u.GroupMemory)) }),
		q("pss_after_mib", "MiB", "proportional MiB after the run", func(u *Use) float64 { return mib(u.PSSAfter) }),
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

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// of summarizes the quantity over the runs that have a value for it, and returns false if no run has one.
func (q quantity) of(runs []Run) (Figure, bool) {
	f := Figure{Name: q.name, Unit: q.unit, label: q.label}
	for _, run := range runs {
		if value := q.value(run); !math.IsNaN(value) {
			f.Values = append(f.Values, value)
		}
	}
	if len(f.Values) == 0 {
		return f, false
	}
	f.Median, f.Least, f.Most = stat.Median(f.Values), slices.Min(f.Values), slices.Max(f.Values)
	f.Interval = stat.MedianInterval(f.Values, wantedConfidence)
	return f, true
}
