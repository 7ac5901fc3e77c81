package performance

import "time"

// plan says how long and how often things are measured.
type plan struct {
	Name     string        `json:"name"`
	Rounds   int           `json:"rounds"`        // valid runs of each target, in turn
	Extra    int           `json:"extra"`         // rounds more in which void runs are repeated
	Measured time.Duration `json:"measured"`      // of each run
	Warmup   time.Duration `json:"warmup"`        // before it
	Rest     time.Duration `json:"rest"`          // without load, before and after each run of the family's rates
	Idle     time.Duration `json:"idle"`          // of the idle processes
	Starts   int           `json:"starts"`        // of each kind
	Roster   []int         `json:"roster"`        // rows
	Stored   []int         `json:"stored"`        // fights
	Rates    []float64     `json:"rates"`         // iterations a second
	Clients  []int         `json:"clients"`       // connections
	Slow     slowPlan      `json:"slow,omitzero"` // of the family's rates
}

// slowPlan is for loads of a few iterations a second, of which short runs would have none.
type slowPlan struct {
	Rounds     int           `json:"rounds"`     // valid runs of each target, in turn
	Measured   time.Duration `json:"measured"`   // of each run, at least
	Iterations int           `json:"iterations"` // in that time, at least
}

// measured is how long a run at that rate is.
func (p slowPlan) measured(rate float64) time.Duration {
	return max(p.Measured, time.Duration(float64(p.Iterations)/rate*float64(time.Second)))
}

// full takes some twenty minutes, half of them at the family's rates. Its figures are those that are published.
func full() plan {
	return plan{
		Name: "full", Rounds: 5, Extra: 2, Measured: 1200 * time.Millisecond, Warmup: 300 * time.Millisecond, Rest: time.Second,
		Idle: 30 * time.Second, Starts: 11, Roster: []int{100, 10_000, 1_000_000}, Stored: []int{0, 100_000, 1_000_000},
		Rates: []float64{1, 10, 50, 75, 100}, Clients: []int{32, 128, 512, 1024},
		Slow: slowPlan{3, 5 * time.Second, 10},
	}
}

// quick takes some minutes, and shows that everything can be measured rather than what it comes to.
func quick() plan {
	return plan{
		Name: "quick", Rounds: 2, Extra: 1, Measured: 1500 * time.Millisecond, Warmup: 300 * time.Millisecond, Rest: 200 * time.Millisecond,
		Idle: 5 * time.Second, Starts: 5, Roster: []int{100, 10_000, 1_000_000}, Stored: []int{0, 10_000, 50_000},
		Rates: []float64{1, 10, 100}, Clients: []int{32, 1024},
		Slow: slowPlan{2, 2 * time.Second, 3},
	}
}
