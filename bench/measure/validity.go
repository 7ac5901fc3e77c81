package measure

import "fmt"

// Limits for a valid run, in addition to maxStrangers. Beyond these limits, the figures would describe the load
// generator rather than the target, or a smaller load than requested.
const (
	maxLate       = 1000.0 // open model: maximum delay in starting iterations, in microseconds, at the percentile of latenessOf
	maxBusy       = 0.9    // maximum share of its cores that the generator may use
	maxUnanswered = 0.001  // maximum share of iterations without a response, as in the family's load test
)

// Late says how late the load generator started iterations in the open model, if it was so late that the latencies are as
// much its own as the target's; otherwise it returns "". CPU time and memory are still those of the requested load.
func (r Run) Late() string {
	late := r.Generator.Late
	if late.Micros <= maxLate {
		return ""
	}
	return fmt.Sprintf("%g%% of iterations started at least %.3g ms late (limit %.3g ms)", 100-late.Percent, late.Micros/1e3, maxLate/1e3)
}

// disturbances returns the reasons why a run is void that are the fault of the machine or the load generator.
func (m measurement) disturbances(run Run) (disturbances []string) {
	add := func(format string, args ...any) { disturbances = append(disturbances, fmt.Sprintf(format, args...)) }
	if fault := run.Surroundings.fault(); fault != "" {
		add("%s", fault)
	}
	if late := run.Late(); late != "" && m.rate > 0 {
		add("%s", late)
	}
	if g := run.Generator; g.CPU > maxBusy*g.Cores*run.Seconds {
		add("the generator used %.3g of its %.3g cores, so the figures show the generator's limit rather than the target's",
			g.CPU/run.Seconds, g.Cores)
	}
	return disturbances
}

// faults returns the reasons why a run is void that are the target's fault, unless a disturbance explains them.
func (m measurement) faults(run Run, meters *meters) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	c := run.Counts
	if c.Measured == 0 {
		add("no iteration got a correct response")
	}
	if dropped := c.Dropped + c.WarmDropped; dropped > 0 {
		add("%d iterations were dropped: no connection was free", dropped)
	}
	if c.Wrong > 0 {
		add("%d responses failed the content checks; first: %s", c.Wrong, c.FirstWrong)
	}
	if lost := c.Unanswered + c.Refused; float64(lost) > maxUnanswered*float64(c.Done) {
		add("%d requests got no response; first: %s", lost, c.FirstUnanswered)
	}
	if run.Stored != nil {
		if fault := run.Stored.fault(); fault != "" {
			add("%s", fault)
		}
	}
	for _, u := range []*use{meters.application, meters.store} {
		if u.err != nil {
			add("the target's processes could not be read: %v", u.err)
		}
	}
	return faults
}
