package performance

import "time"

// plan says how long and how often to measure.
type plan struct {
	Name     string        `json:"name"`
	Slack    string        `json:"timer_slack"` // of services in separate processes
	Rounds   int           `json:"rounds"`      // number of valid runs of each target
	Extra    int           `json:"extra"`       // extra rounds for repeating void runs
	Measured time.Duration `json:"measured"`    // measured time of each run
	Warmup   time.Duration `json:"warmup"`      // warm-up before each run
	Rest     time.Duration `json:"rest"`        // idle time before and after each run at the low rates
	Idle     time.Duration `json:"idle"`        // how long to watch idle processes
	Starts   int           `json:"starts"`      // number of program starts with new data, and with existing data
	Roster   []int         `json:"roster"`      // numbers of rows
	Stored   []int         `json:"stored"`      // numbers of stored fights
	Rates    []float64     `json:"rates"`       // of the usage scenario, in iterations per second
	Clients  []int         `json:"clients"`     // numbers of connections
	Scenario scenarioPlan  `json:"scenario,omitzero"`
	Price    pricePlan     `json:"price,omitzero"` // for what telemetry costs
	Against  string        `json:"-"`              // another program to compare with in these measurements
}

// scenarioPlan is for the family's usage scenario, and for the rates at which its cost has targets.
type scenarioPlan struct {
	Idle     time.Duration `json:"idle"`     // idle time before the load
	Measured time.Duration `json:"measured"` // length of the load at each rate
	Counted  time.Duration `json:"counted"`  // length of the load, at each rate, during which system calls are counted

	Rounds     int           `json:"rounds"`                // of the targets: number of visits to each system
	Round      time.Duration `json:"round"`                 // length of each load in a round
	RoundIdle  time.Duration `json:"round_idle"`            // idle time before the loads in a round
	IdleRounds int           `json:"idle_rounds,omitempty"` // number of rounds with idle time
}

// pricePlan is for comparing variants of telemetry, whose differences are small.
type pricePlan struct {
	Rounds   int           `json:"rounds"`   // number of valid runs of each variant
	Measured time.Duration `json:"measured"` // length of each run
	Idle     time.Duration `json:"idle"`     // how long to watch idle processes
	Counts   int           `json:"counts"`   // how often instructions are counted
}

// full is the plan for published figures. It takes about 70 minutes: 20 minutes for the targets at the family's rates,
// and 20 minutes for the usage scenario.
func full() plan {
	return plan{
		Name: "full", Slack: slack, Rounds: 5, Extra: 2, Measured: 1200 * time.Millisecond, Warmup: 300 * time.Millisecond,
		Rest: time.Second, Idle: 30 * time.Second, Starts: 11, Roster: []int{100, 10_000, 1_000_000}, Stored: []int{0, 100_000, 1_000_000},
		Rates: []float64{1, 10, 50, 75, 100}, Clients: []int{32, 128, 512, 1024},
		Scenario: scenarioPlan{
			Idle: 30 * time.Second, Measured: 30 * time.Second, Counted: 5 * time.Second,
			Rounds: 6, Round: 6 * time.Second, RoundIdle: time.Minute, IdleRounds: 2,
		},
		Price: pricePlan{6, 6 * time.Second, time.Minute, 5},
	}
}

// quick is a plan that takes a few minutes. It shows that everything can be measured, but its figures are rough.
func quick() plan {
	return plan{
		Name: "quick", Slack: slack, Rounds: 2, Extra: 1, Measured: 1500 * time.Millisecond, Warmup: 300 * time.Millisecond,
		Rest: 200 * time.Millisecond, Idle: 5 * time.Second, Starts: 5, Roster: []int{100, 10_000, 1_000_000}, Stored: []int{0, 10_000, 50_000},
		Rates: []float64{1, 10, 100}, Clients: []int{32, 1024},
		Scenario: scenarioPlan{
			Idle: 2 * time.Second, Measured: 3 * time.Second, Counted: time.Second,
			Rounds: 2, Round: 2 * time.Second, RoundIdle: 2 * time.Second, IdleRounds: 1,
		},
		Price: pricePlan{2, 3 * time.Second, 4 * time.Second, 3},
	}
}
