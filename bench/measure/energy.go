package measure

import (
	"fmt"
	"io"
	"strings"

	"superheroes/bench/energy"
)

// MeasuredEnergy is what RAPL counted in the measured time: the whole machine, with this generator and all else that ran.
type MeasuredEnergy struct {
	Joules    float64 `json:"joules"`
	IdleWatts float64 `json:"idle_watts"` // without load, just before
	Net       float64 `json:"net_joules"` // less the idle watts over the measured time
	PerUnit   float64 `json:"net_uj"`     // for each iteration that ended in it
}

// joules returns the energy so far, 0 where it can't be told.
func (m measurement) joules() float64 {
	if m.meter == nil {
		return 0
	}
	joules, err := m.meter.Joules()
	if err != nil {
		return 0 // it could be read at the start: the figures will show that it no longer can
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

// Tiers are where energy figures come from. They are never added up or compared with each other.
type Tiers struct {
	Measured Measuring    `json:"measured"`
	Modelled energy.Model `json:"modelled"`
}

// Measuring says what RAPL counts, or why there is none.
type Measuring struct {
	Zones   []string `json:"zones,omitempty"`
	Missing string   `json:"missing,omitempty"`
}

// energyText writes the three tiers of a member.
func (m Member) energyText(w io.Writer, unit string, tiers Tiers) {
	figure := func(name string) string {
		f, ok := m.Figure(name)
		if !ok {
			return "(not available)"
		}
		return strings.TrimSpace(Short(f.Median) + " " + f.Unit)
	}
	fmt.Fprintf(w, "  energy per %s, in three tiers that must not be mixed\n", unit)
	if tiers.Measured.Missing != "" {
		fmt.Fprintf(w, "    measured: not available, %s\n", tiers.Measured.Missing)
	} else {
		fmt.Fprintf(w, "    measured: %s above an idle %s, by RAPL (%s): the whole machine, the generator too\n",
			figure("measured_energy_uj"), figure("measured_idle_watts"), strings.Join(tiers.Measured.Zones, ", "))
	}
	counted := "application and store"
	if _, known := m.Figure(storePrefix + "cpu_us"); !known {
		counted = "the application, without a store's"
	}
	fmt.Fprintf(w, "    modelled: %s = CPU seconds of %s x %s W; %s\n",
		figure("modelled_energy_uj"), counted, Short(tiers.Modelled.Watts), tiers.Modelled.Source)
	fmt.Fprintf(w, "    proxy: CPU %s, HTTP %s, to storage %s, %s read and %s write calls, all system calls %s\n", figure("cpu_us"), figure("bytes"),
		figure("storage_bytes"), figure("read_calls"), figure("write_calls"), figure("system_calls"))
}
