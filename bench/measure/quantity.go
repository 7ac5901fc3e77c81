package measure

import (
	"slices"
	"strings"

	"superheroes/bench/energy"
	"superheroes/bench/stat"
)

// quantity extracts the values of a figure from runs.
type quantity struct {
	name, unit string
	value      func(Run) (float64, bool)
}

// storePrefix is the prefix of figures about the usage of a target's stores.
const storePrefix = "store_"

// quantities returns all quantities, in the order of the report.
func quantities(model energy.Model) []quantity {
	always := func(value func(Run) float64) func(Run) (float64, bool) {
		return func(r Run) (float64, bool) { return value(r), true }
	}
	all := []quantity{
		{"throughput", "/s", always(func(r Run) float64 { return r.Throughput })},
		{"latency_p50_us", "us", always(func(r Run) float64 { return r.Latency.P50 })},
		{"latency_p90_us", "us", always(func(r Run) float64 { return r.Latency.P90 })},
		{"latency_p99_us", "us", always(func(r Run) float64 { return r.Latency.P99 })},
		{"latency_p99_9_us", "us", always(func(r Run) float64 { return r.Latency.P999 })},
		{"latency_max_us", "us", always(func(r Run) float64 { return r.Latency.Max })},
		{"bytes", "B", always(Run.bytes)},
		{"generator_cpu_us", "us", always(func(r Run) float64 { return r.Generator.PerUnit })},
	}
	all = append(all, energies(model)...)
	all = append(all, used("", func(r Run) *Use { return r.Application })...)
	return append(all, used(storePrefix, func(r Run) *Use { return r.Store })...)
}

// energies returns the energy quantities, which are reported separately.
func energies(model energy.Model) []quantity {
	measured := func(value func(*MeasuredEnergy) float64) func(Run) (float64, bool) {
		return func(r Run) (float64, bool) {
			if r.Measured == nil {
				return 0, false
			}
			return value(r.Measured), true
		}
	}
	return []quantity{
		{"measured_energy_uj", "uJ", measured(func(e *MeasuredEnergy) float64 { return e.PerUnit })},
		{"measured_idle_watts", "W", measured(func(e *MeasuredEnergy) float64 { return e.IdleWatts })},
		{"modelled_energy_uj", "uJ", func(r Run) (float64, bool) {
			micros, known := 0.0, false
			for _, u := range []*Use{r.Application, r.Store} {
				if u != nil && u.Error == "" {
					micros, known = micros+u.CPU, true
				}
			}
			return model.Joules(micros), known
		}},
	}
}

// isEnergy reports whether the figure belongs in the separate energy block.
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

// used returns the quantities about a set of processes.
func used(prefix string, of func(Run) *Use) []quantity {
	q := func(name, unit string, value func(*Use) float64) quantity {
		return quantity{prefix + name, unit, func(r Run) (float64, bool) {
			u := of(r)
			if u == nil || u.Error != "" {
				return 0, false
			}
			return value(u), true
		}}
	}
	return []quantity{
		q("cpu_us", "us", func(u *Use) float64 { return u.CPU }),
		q("cpu_user_us", "us", func(u *Use) float64 { return u.User }),
		q("cpu_system_us", "us", func(u *Use) float64 { return u.System }),
		q("cores", "", func(u *Use) float64 { return u.Cores }),
		q("idle_cores", "", func(u *Use) float64 { return u.IdleBefore }),
		q("idle_after_cores", "", func(u *Use) float64 { return u.IdleAfter }),
		q("idle_share", "", func(u *Use) float64 { return u.IdleShare }),
		q("voluntary_switches", "", func(u *Use) float64 { return u.Voluntary }),
		q("involuntary_switches", "", func(u *Use) float64 { return u.Involuntary }),
		q("read_calls", "", func(u *Use) float64 { return u.ReadCalls }),
		q("write_calls", "", func(u *Use) float64 { return u.WriteCalls }),
		q("system_calls", "", func(u *Use) float64 { return u.Calls }).where(of, func(u *Use) bool { return u.Calls > 0 }),
		q("storage_bytes", "B", func(u *Use) float64 { return u.Storage }),
		q("rss_before_mib", "MiB", func(u *Use) float64 { return mib(u.RSSBefore) }),
		q("rss_peak_mib", "MiB", func(u *Use) float64 { return mib(u.RSSPeak) }),
		q("rss_after_mib", "MiB", func(u *Use) float64 { return mib(u.RSSAfter) }),
		q("container_cpu_us", "us", func(u *Use) float64 { return u.GroupCPU }).where(of, inContainer),
		q("container_mib", "MiB", func(u *Use) float64 { return mib(u.GroupMemory) }).where(of, inContainer),
		q("pss_after_mib", "MiB", func(u *Use) float64 { return mib(u.PSSAfter) }),
	}
}

func inContainer(u *Use) bool { return len(u.Groups) > 0 }

// where restricts the quantity to runs that have it.
func (q quantity) where(of func(Run) *Use, has func(*Use) bool) quantity {
	value := q.value
	q.value = func(r Run) (float64, bool) {
		if u := of(r); u == nil || !has(u) {
			return 0, false
		}
		return value(r)
	}
	return q
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// of computes the figure over the runs that have the quantity. It returns false if none has.
func (q quantity) of(runs []Run) (Figure, bool) {
	f := Figure{Name: q.name, Unit: q.unit}
	for _, run := range runs {
		if value, ok := q.value(run); ok {
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
