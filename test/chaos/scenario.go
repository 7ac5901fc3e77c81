package main

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Scenario describes a system, its load, and the adverse conditions that the system must survive.
type Scenario struct {
	Name       string
	System     System
	Load       Load
	Conditions []Condition // in each round, one condition occurs while another is in effect
}

// System describes the processes of a scenario.
type System struct {
	// If Separate is true, each service runs in a process of its own, on real database servers; otherwise a single
	// process runs everything on the embedded store.
	Separate           bool
	Fights, Statistics int      // number of processes of the service; 0 means one
	Args               []string // of every process
	Big                bool     // uses a table with as many heroes as --rows specifies
	SmallDisk          bool     // mounts a small disk as the data folder, so that it can be filled
}

// Load describes requests of the given kinds, with their rate per second.
type Load struct {
	Kinds []Kind
	Rate  float64
}

// Condition is a fault or additional load that lasts for part of each round.
type Condition struct {
	Name       string
	On         []string // possible targets, one of which is picked in each round
	Begin, End []Action
	Times      int    // number of occurrences per round; 0 means one
	Throughout bool   // whether the condition lasts for the whole round
	Load       []Load // additional load while the condition is in effect
	Alter      func(dice *rand.Rand, r *Request)
}

// fights returns a Load of posted fights and of fights between random picks, at the given rate per second.
func fights(rate float64) Load { return Load{[]Kind{post, execute}, rate} }

// scenarios returns all scenarios.
func scenarios() []Scenario {
	const usual, slow = 100, 12 // fights per second; low because FerretDB repeatedly scans the whole collection
	strict := []string{"--profile=strict"}
	one := System{}
	apart := System{Separate: true}
	return []Scenario{
		{"killed under overload", one, fights(usual), []Condition{killed("up"), overload(600)}},
		{"file removed under overload", System{Args: strict}, fights(usual), []Condition{removed(), overload(300)}},
		{"killed on a full disk", System{SmallDisk: true}, fights(usual), []Condition{full(), killed("up")}},
		{"log damaged, hasty clients", one, fights(usual), []Condition{damaged(), hasty()}},
		{"searches and stalled readers", System{Big: true}, fights(usual), []Condition{searches(), stalled(60)}},
		{"hung, clients repeat at once", one, fights(usual), []Condition{frozen("up"), repeating()}},
		{"restarted below ids of the future", System{Args: strict}, fights(usual), []Condition{ahead(), restarted("up")}},
		{"restarted while readers stall", one, fights(usual), []Condition{restarted("up"), stalled(30)}},
		{"PostgreSQL hung, heroes killed", apart, fights(slow), []Condition{hung("PostgreSQL"), killed("heroes")}},
		{"MariaDB cut, network to MongoDB flaps", System{Separate: true, Args: strict}, fights(slow),
			[]Condition{cut("MariaDB"), flapping("MongoDB")}},
		{"peer slow under overload", System{Separate: true, Args: strict}, fights(slow), []Condition{slowed("heroes"), overloadOfPicks(500)}},
		{"two that fight and two that count, killed", System{Separate: true, Fights: 2, Statistics: 2}, fights(slow), []Condition{
			killed("fights-1", "fights-2"), killed("statistics-1", "statistics-2"),
		}},
		{"network to MongoDB slow, fights killed", apart, fights(slow), []Condition{slowed("MongoDB"), killed("fights-1")}},
		{"network to MongoDB hung, fights restarted", System{Separate: true, Args: strict}, fights(slow),
			[]Condition{hung("MongoDB"), restarted("fights-1")}},
		{"fights hung, MongoDB cut, hasty clients", apart, fights(slow), []Condition{frozen("fights-1"), cut("MongoDB"), hasty()}},
	}
}

func killed(on ...string) Condition {
	return Condition{Name: "kill -9", On: on, Begin: []Action{kill}, End: []Action{start}}
}

func restarted(on ...string) Condition {
	return Condition{Name: "restart", On: on, Begin: []Action{terminate}, End: []Action{start}}
}

func frozen(on ...string) Condition {
	return Condition{Name: "hang", On: on, Begin: []Action{freeze}, End: []Action{thaw}}
}

func hung(on ...string) Condition {
	return Condition{Name: "hung network", On: on, Begin: []Action{hang}, End: []Action{pass}}
}

func cut(on ...string) Condition {
	return Condition{Name: "cut network", On: on, Begin: []Action{disconnect}, End: []Action{pass}}
}

func slowed(on ...string) Condition {
	return Condition{Name: "slow network", On: on, Begin: []Action{delay}, End: []Action{pass}}
}

func flapping(on ...string) Condition {
	return Condition{Name: "flapping network", On: on, Begin: []Action{disconnect}, End: []Action{pass}, Times: 5}
}

// removed hides the database files of fights, and restores them before a restart, as an operator would.
func removed() Condition {
	return Condition{Name: "file removed, restart", On: []string{"up"}, Begin: []Action{hide}, End: []Action{terminate, restore, start}}
}

// damaged overwrites the header of the log, and repairs it before a restart.
func damaged() Condition {
	return Condition{Name: "log damaged, restart", On: []string{"up"}, Begin: []Action{garble}, End: []Action{terminate, mend, start}}
}

func full() Condition {
	return Condition{Name: "full disk", On: []string{"up"}, Begin: []Action{fill}, End: []Action{empty}}
}

// ahead stores a fight whose id comes from a clock that is hours ahead of the current time.
func ahead() Condition {
	return Condition{Name: "stored ids ahead of the clock", On: []string{"up"}, Begin: []Action{kill, advance}, End: []Action{start}}
}

func overload(rate float64) Condition {
	return Condition{Name: "overload", Load: []Load{fights(rate)}}
}

// overloadOfPicks adds requests for random picks, which don't access the fights store.
func overloadOfPicks(rate float64) Condition {
	return Condition{Name: "overload of picks", Load: []Load{{[]Kind{fighters}, rate}}}
}

func searches() Condition {
	return Condition{Name: "searches", Load: []Load{{[]Kind{search}, 10}}}
}

func stalled(rate float64) Condition {
	return Condition{Name: "stalled readers", Load: []Load{{[]Kind{stall}, rate}}}
}

// hasty makes some clients set a deadline of a few milliseconds, and makes others disconnect after a few milliseconds.
func hasty() Condition {
	const most = 40 * time.Millisecond
	return Condition{Name: "hasty clients", Throughout: true, Alter: func(dice *rand.Rand, r *Request) {
		patience := time.Millisecond + moment(dice, most)
		switch dice.IntN(3) {
		case 0:
			r.Deadline = patience.Round(time.Millisecond)
		case 1:
			r.Leaves = patience
		}
	}}
}

// repeating makes clients time out early and retry immediately.
func repeating() Condition {
	return Condition{Name: "clients that retry at once", Throughout: true, Alter: func(dice *rand.Rand, r *Request) {
		r.Leaves, r.Repeats = 200*time.Millisecond+moment(dice, 300*time.Millisecond), 3
	}}
}

// conditions returns the names and targets of the conditions, for the report.
func (s Scenario) conditions() string {
	var names []string
	for _, c := range s.Conditions {
		name := c.Name
		if len(c.On) > 0 && c.On[0] != "up" {
			name += " (" + strings.Join(c.On, " or ") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " × ")
}

// String returns a short description of the system.
func (s System) String() string {
	text := "up, SQLite"
	if s.Separate {
		text = "separate processes"
	}
	if len(s.Args) > 0 {
		text += ", strict"
	}
	return text
}
