package energy

// Model estimates energy from CPU time.
type Model struct {
	Watts  float64 `json:"watts"` // of a core that is busy, above what it takes idle
	Source string  `json:"source"`
}

// CloudCarbonFootprint is what that tool takes for a virtual CPU at AWS whose processor isn't known: 0.74 W idle and
// 3.5 W busy, linear in between; work takes the difference.
func CloudCarbonFootprint() Model {
	return Model{3.5 - 0.74, "Cloud Carbon Footprint, methodology, compute, AWS averages per vCPU: 3.5 W busy less 0.74 W idle; https://www.cloudcarbonfootprint.org/docs/methodology/"}
}

// Joules returns the energy of so many CPU seconds, without what the machine takes idle.
func (m Model) Joules(cpuSeconds float64) float64 { return m.Watts * cpuSeconds }
