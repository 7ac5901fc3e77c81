package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind distinguishes the requests in a timetable.
type Kind string

const (
	post     Kind = "post"     // posts a fight whose hero has a unique name
	execute  Kind = "execute"  // executes a fight between random picks
	fighters Kind = "fighters" // requests random picks without executing a fight
	search   Kind = "search"   // searches for heroes whose names contain a string that occurs in no name
	stall    Kind = "stall"    // requests all heroes without reading the response
)

// Request is a scheduled request in a timetable.
type Request struct {
	At       time.Duration // time since the start of the round
	Kind     Kind
	Hero     string        // the hero's name in the request
	To       int           // index of the receiving fights process, modulo the number of these processes
	Deadline time.Duration // the deadline specified in the request; 0 means none
	Leaves   time.Duration // when the client disconnects; 0 means never
	Repeats  int           // number of immediate retries if the fight wasn't acknowledged
}

// Event is an action scheduled at a point in time.
type Event struct {
	At time.Duration // time since the start of the round
	Do Action
	On string
}

// Timetable is the schedule for one round of a scenario. A timetable depends only on the scenario, the seed, and the
// number and length of the round.
type Timetable struct {
	Requests []Request
	Events   []Event
}

// plan generates the timetable for a round. The scenario's conditions are nested in random order.
func plan(s Scenario, seed uint64, number int, length time.Duration) Timetable {
	name := fnv.New64a()
	_, _ = name.Write([]byte(s.Name)) // never fails
	dice := rand.New(rand.NewPCG(seed, name.Sum64()+uint64(number)))
	drawn := drawWindows(dice, s.Conditions, length)
	var table Timetable
	table.addRequests(dice, s.Load, window{0, length})
	for i, condition := range s.Conditions {
		table.addEvents(dice, condition, drawn[i])
		for _, load := range condition.Load {
			table.addRequests(dice, load, drawn[i])
		}
	}
	slices.SortStableFunc(table.Requests, func(a, b Request) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(table.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	for i := range table.Requests {
		request := &table.Requests[i]
		if request.Kind == post {
			request.Hero = fmt.Sprintf("op-%d-%05d", number, i)
		}
		for c, condition := range s.Conditions {
			if condition.Alter != nil && drawn[c].has(request.At) {
				condition.Alter(dice, request)
			}
		}
	}
	return table
}

// window is a time interval within a round.
type window struct{ from, to time.Duration }

func (w window) has(at time.Duration) bool { return w.from <= at && at < w.to }

// drawWindows picks a time window for each condition. The outermost window lasts for most of the round, and each
// further window lies within the previous window.
func drawWindows(dice *rand.Rand, conditions []Condition, length time.Duration) []window {
	const step, play = 0.2, 0.1
	drawn, depth := make([]window, len(conditions)), 0
	for _, i := range dice.Perm(len(conditions)) {
		if conditions[i].Throughout {
			drawn[i] = window{0, length}
			continue
		}
		edge := func() time.Duration {
			return time.Duration((play + step*float64(depth) + play*dice.Float64()) * float64(length))
		}
		drawn[i] = window{edge(), length - edge()}
		depth++
	}
	return drawn
}

// addEvents adds events for the start and the end of each occurrence of a condition.
func (t *Timetable) addEvents(dice *rand.Rand, c Condition, in window) {
	if len(c.On) == 0 {
		return
	}
	on := c.On[dice.IntN(len(c.On))]
	times := max(c.Times, 1)
	each := (in.to - in.from) / time.Duration(times)
	for n := range times {
		from, to := in.from+each*time.Duration(n), in.to
		if times > 1 {
			to = from + each/2
		}
		for _, do := range c.Begin {
			t.Events = append(t.Events, Event{from, do, on})
		}
		for _, do := range c.End {
			t.Events = append(t.Events, Event{to, do, on})
		}
	}
}

// addRequests adds requests at random times with the given average rate.
func (t *Timetable) addRequests(dice *rand.Rand, load Load, in window) {
	for range int(load.Rate * (in.to - in.from).Seconds()) {
		t.Requests = append(t.Requests, Request{
			At: in.from + moment(dice, in.to-in.from), Kind: load.Kinds[dice.IntN(len(load.Kinds))], To: dice.IntN(1 << 16),
		})
	}
}

// moment returns a random duration of at least 0 and less than the given limit.
func moment(dice *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(dice.Int64N(int64(max(below, 1))))
}
