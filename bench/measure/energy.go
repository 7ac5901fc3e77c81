package measure

import "superheroes/bench/energy"

// MeasuredEnergy is the energy that RAPL counted during the measured time, for the whole machine: it includes this
// generator and everything else that ran.
type MeasuredEnergy struct {
	Joules    float64 `json:"joules"`
	IdleWatts float64 `json:"idle_watts"` // without load, just before the run
	Net       float64 `json:"net_joules"` // minus IdleWatts over the measured time
	PerUnit   float64 `json:"net_uj"`     // per iteration completed in that time
}

// joules returns the energy used so far, or 0 if it isn't available.
func (m measurement) joules() float64 {
	if m.meter == nil {
		return 0
	}
	joules, err := m.meter.Joules()
	if err != nil {
		return 0 // it was readable at the start; the missing figures will show that it no longer is
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

// Tiers describes the sources of energy figures. Figures of different tiers are never added up or compared.
type Tiers struct {
	Measured Measuring    `json:"measured"`
	Modelled energy.Model `json:"modelled"`
}

// Measuring says what RAPL counts, or why it isn't available.
type Measuring struct {
	Zones   []string `json:"zones,omitempty"`
	Missing string   `json:"missing,omitempty"`
}
