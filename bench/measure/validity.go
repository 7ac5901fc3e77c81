package measure

import (
	"errors"
	"fmt"
)

// What a valid run may have, beside maxStrangers. Beyond these its figures would be the generator's, or those of less work.
const (
	maxLate       = 1000.0 // microseconds that one of a hundred iterations of the open model may be sent too late
	maxBusy       = 0.9    // of its cores that the generator may use
	maxUnanswered = 0.001  // of the iterations, as in the family's load test
)

func isCannotTell(err error) bool { return errors.Is(err, errCannotTell) }

// faults returns why a run is void: what the machine did first, which may explain the rest.
func (m measurement) faults(run Run, meters *meters) []string {
	faults := []string{}
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if fault := run.Surroundings.fault(); fault != "" {
		add("%s", fault)
	}
	g := run.Generator
	if m.rate > 0 && g.LateP99 > maxLate {
		add("one iteration of a hundred was sent %.3g ms late or later (limit %.3g ms)", g.LateP99/1e3, maxLate/1e3)
	}
	if g.CPU > maxBusy*g.Cores*run.Seconds {
		add("the generator used %.3g of its %.3g cores: this is its own limit rather than the target's", g.CPU/run.Seconds, g.Cores)
	}
	c := run.Counts
	if c.Measured == 0 {
		add("no iteration got a correct answer")
	}
	if dropped := c.Dropped + c.WarmDropped; dropped > 0 {
		add("%d iterations were dropped: no connection was free", dropped)
	}
	if c.Wrong > 0 {
		add("%d answers failed the content checks, the first %s", c.Wrong, c.FirstWrong)
	}
	if lost := c.Unanswered + c.Refused; float64(lost) > maxUnanswered*float64(c.Done) {
		add("%d requests had no answer, the first %s", lost, c.FirstUnanswered)
	}
	if run.Stored != nil {
		if fault := run.Stored.fault(); fault != "" {
			add("%s", fault)
		}
	}
	for _, u := range []*use{meters.application, meters.store} {
		if u.err != nil {
			add("its processes could not be watched: %v", u.err)
		}
	}
	return faults
}
