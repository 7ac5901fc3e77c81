package bench

import (
	"errors"
	"fmt"
)

// What a valid run may have. Beyond these its figures would be the generator's, or those of less work.
const (
	maxLate       = 10_000.0 // microseconds that one iteration of a hundred may be let go too late
	maxBusy       = 0.9      // of its cores that the generator may use
	maxLacked     = 0.5      // of all latency that the generator may have waited for want of a core (see waiting),
	maxWait       = 200.0    // and microseconds of it an iteration: a tick of the scheduler among short answers is no shortage
	maxUnanswered = 0.001    // of the iterations, as in the family's load test
)

func isCannotTell(err error) bool { return errors.Is(err, errCannotTell) }

// faults returns why a run is void.
func (m measurement) faults(run Run, meters *meters) []string {
	faults := []string{}
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	c := run.Counts
	if c.Measured == 0 {
		add("no iteration was answered rightly")
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
	for _, fault := range run.starved() {
		add("the generator was short of CPU: %s", fault)
	}
	for _, u := range []*use{meters.application, meters.store} {
		if u.err != nil {
			add("its processes could not be watched: %v", u.err)
		}
	}
	return faults
}

// starved returns what shows that the generator had too little CPU.
func (r Run) starved() []string {
	var signs []string
	g := r.Generator
	if g.LateP99 > maxLate {
		signs = append(signs, fmt.Sprintf("one iteration of a hundred was let go %.1f ms late or later", g.LateP99/1e3))
	}
	if g.CPU > maxBusy*g.Cores*r.Seconds {
		signs = append(signs, fmt.Sprintf("it used %.2f of its %.0f cores", g.CPU/r.Seconds, g.Cores))
	}
	if total := r.Latency.Mean / 1e6 * float64(r.Counts.Measured); total > 0 && g.Lacked > maxLacked*total && g.Lacked*1e6 > maxWait*float64(r.Counts.Measured) {
		signs = append(signs, fmt.Sprintf("it waited %.2f s for want of a core, more than half of all %.2f s of latency", g.Lacked, total))
	}
	return signs
}
