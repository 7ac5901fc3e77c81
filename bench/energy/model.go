package energy

// Model estimates energy from CPU time.
type Model struct {
	Watts  float64 `json:"watts"` // extra power that a busy core draws over an idle one
	Source string  `json:"source"`
}

// CloudCarbonFootprint returns the Cloud Carbon Footprint tool's model of an AWS virtual CPU of unknown type: 0.74 W
// idle, 3.5 W busy, and linear in between. The model attributes the difference between busy and idle power to each CPU
// second.
func CloudCarbonFootprint() Model {
	return Model{3.5 - 0.74, "Cloud Carbon Footprint, methodology, compute, AWS averages per vCPU: " +
		"3.5 W busy less 0.74 W idle; https://www.cloudcarbonfootprint.org/docs/methodology/"}
}

// Joules returns the energy that the given CPU seconds add to the machine's idle consumption.
func (m Model) Joules(cpuSeconds float64) float64 { return m.Watts * cpuSeconds }
