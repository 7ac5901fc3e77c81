package main

import "time"

// plan says how long and how often things are measured.
type plan struct {
	Name     string        `json:"name"`
	Rounds   int           `json:"rounds"`   // valid runs of each target, in turn
	Extra    int           `json:"extra"`    // rounds more in which void runs are repeated
	Measured time.Duration `json:"measured"` // of each run
	Warmup   time.Duration `json:"warmup"`   // before it
	Rest     time.Duration `json:"rest"`     // without load, before and after each run of the family's rates
	Idle     time.Duration `json:"idle"`     // of the idle processes
	Starts   int           `json:"starts"`   // of each kind
	Roster   []int         `json:"roster"`   // rows
	Stored   []int         `json:"stored"`   // fights
	Rates    []float64     `json:"rates"`    // iterations a second
	Clients  []int         `json:"clients"`  // connections
}

// full takes about a quarter of an hour. Its figures are those that are published.
func full() plan {
	return plan{
		Name: "full", Rounds: 5, Extra: 2, Measured: 1200 * time.Millisecond, Warmup: 300 * time.Millisecond, Rest: 300 * time.Millisecond,
		Idle: 30 * time.Second, Starts: 11, Roster: []int{100, 10_000, 1_000_000}, Stored: []int{0, 100_000, 1_000_000},
		Rates: []float64{1, 10, 50, 75, 100}, Clients: []int{32, 128, 512, 1024},
	}
}

// quick takes some minutes, and shows that everything can be measured rather than what it comes to.
func quick() plan {
	return plan{
		Name: "quick", Rounds: 2, Extra: 1, Measured: 1500 * time.Millisecond, Warmup: 300 * time.Millisecond, Rest: 200 * time.Millisecond,
		Idle: 5 * time.Second, Starts: 5, Roster: []int{100, 10_000, 1_000_000}, Stored: []int{0, 10_000, 50_000},
		Rates: []float64{1, 10, 100}, Clients: []int{32, 1024},
	}
}
