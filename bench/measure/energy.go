package measure

import (
	"fmt"
	"strings"

	"superheroes/bench/energy"
	"superheroes/bench/format"
)

// MeasuredEnergy is the energy that the whole machine used during the measured time, according to RAPL. It includes the
// energy used by the generator and all other processes.
type MeasuredEnergy struct {
	Joules    float64 `json:"joules"`
	IdleWatts float64 `json:"idle_watts"` // idle power, just before the run
	Net       float64 `json:"net_joules"` // Joules minus idle power times the measured time
	PerUnit   float64 `json:"net_uj"`     // net energy per iteration completed in the measured time
}

// joules returns the energy used so far, or 0 if it can't be measured.
func (m measurement) joules() float64 {
	if m.meter == nil {
		return 0
	}
	joules, err := m.meter.Joules()
	if err != nil {
		return 0 // the counter has become unreadable, so the report will have no measured energy
	}
	return joules
}

func (m measurement) measured(begun, over moment, idleWatts float64) *MeasuredEnergy {
	if m.meter == nil || over.joules <= begun.joules {
		return nil
	}
	e := &MeasuredEnergy{Joules: over.joules - begun.joules, IdleWatts: idleWatts}
	e.Net = e.Joules - idleWatts*over.at.Sub(begun.at).Seconds()
	if done := over.done - begun.done; done > 0 {
		e.PerUnit = e.Net * 1e6 / float64(done)
	}
	return e
}

// Tiers describes the sources of the energy figures. Figures from different tiers are never added up or compared.
type Tiers struct {
	Measured Measuring    `json:"measured"`
	Modelled energy.Model `json:"modelled"`
}

// Measuring lists the RAPL counters, or says why RAPL isn't available.
type Measuring struct {
	Zones   []string `json:"zones,omitempty"`
	Missing string   `json:"missing,omitempty"`
}

// energy describes the member's energy per unit of work.
func (r *Report) energy(m Member, unit string) []string {
	lines := []string{"energy per " + unit + ", in three tiers that must not be mixed"}
	if e := r.Energy.Measured; e.Missing != "" {
		lines = append(lines, "measured: not available, "+e.Missing)
	} else {
		lines = append(lines, fmt.Sprintf("measured: %s above an idle %s, using RAPL (%s): the whole machine, including the generator",
			m.amount("measured_energy_uj"), m.amount("measured_idle_watts"), strings.Join(e.Zones, ", ")))
	}
	of := "the services, excluding stores"
	if _, known := m.Figure(storePrefix + "cpu_us"); known {
		of = "services and stores"
	}
	return append(lines,
		fmt.Sprintf("modelled: %s = CPU seconds of %s x %s W; %s", m.amount("modelled_energy_uj"), of,
			format.Number(r.Energy.Modelled.Watts), r.Energy.Modelled.Source),
		fmt.Sprintf("proxy: CPU %s, HTTP %s, to storage %s, %s read and %s write calls, all system calls %s",
			m.amount("cpu_us"), m.amount("bytes"), m.amount("storage_bytes"), m.amount("read_calls"), m.amount("write_calls"), m.amount("system_calls")))
}

// amount returns a figure's median and unit.
func (m Member) amount(figure string) string {
	f, ok := m.Figure(figure)
	if !ok {
		return "(not available)"
	}
	return strings.TrimSpace(format.Number(f.Median) + " " + f.Unit)
}
