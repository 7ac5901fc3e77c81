// Package measure measures running members of the family, from outside and by what their processes use, and does not let
// a measurement flatter: a run that dropped iterations, got wrong answers, did not have its fights stored, or had strangers
// on its cores, is void. Members is the way in; Report is what comes out.
package measure

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"superheroes/bench/energy"
	"superheroes/bench/proc"
	"superheroes/bench/stat"
)

// Report is what a measurement came to.
type Report struct {
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Machine Machine   `json:"machine"`
	Plan    Plan      `json:"plan"`
	Energy  Tiers     `json:"energy"`
	Series  []Series  `json:"series"` // one for each rate, or one of the closed model
	Void    bool      `json:"void"`   // a run is
	Notes   []string  `json:"notes"`  // what the figures don't have, and why
}

// Machine is where it was measured.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
}

// Plan is what was asked for.
type Plan struct {
	Mix         string  `json:"mix"`
	Unit        string  `json:"unit"` // what an iteration is: fight, or iteration
	Connections int     `json:"connections"`
	Seconds     float64 `json:"seconds"`
	Warmup      float64 `json:"warmup_seconds"`
	Rounds      int     `json:"rounds"`
	FloorProcs  int     `json:"floor_procs,omitempty"`
	FloorSize   int     `json:"floor_bytes,omitempty"`
	PinTarget   []int   `json:"pin_target,omitempty"`
	PinSelf     []int   `json:"pin_self,omitempty"`
}

// Series is the runs at one rate.
type Series struct {
	Rate        float64      `json:"rate"` // iterations a second; 0: the closed model
	Floor       *Member      `json:"floor,omitempty"`
	Members     []Member     `json:"members"`
	Comparisons []Comparison `json:"comparisons,omitempty"` // of each member with the first
}

// Member is the runs of one target.
type Member struct {
	Name    string   `json:"name"`
	Profile string   `json:"profile,omitempty"` // what its health page names; the floor has none
	Runs    []Run    `json:"runs"`
	Figures []Figure `json:"figures"` // of all runs, also void ones
	Void    []string `json:"void"`    // reasons, with the run each belongs to
	Stores  string   `json:"stores"`  // whether fights were found stored
}

// Comparison is a member by the first.
type Comparison struct {
	Name   string                `json:"name"`
	To     string                `json:"to"`
	Equal  string                `json:"not_equal,omitempty"` // why it must not be taken for one of equal work
	Ratios map[string]stat.Ratio `json:"ratios"`              // by the figure's name
}

// Members measures each target, round by round, at each rate. The floor is measured before the first round and after
// each. An error means that a target does not answer or can't be measured; what makes runs void stands in the report.
// When ctx ends, or a target doesn't answer any more after some runs, what there is by then is returned, void.
func Members(ctx context.Context, o Options) (*Report, error) {
	o.system = proc.System()
	o.Targets = slices.Clone(o.Targets) // their processes and profiles are filled in
	if err := o.check(); err != nil {
		return nil, err
	}
	report := &Report{
		Started: time.Now().UTC(), Version: o.Version, Notes: []string{},
		Machine: Machine{runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()},
		Plan: Plan{Mix: o.Mix.String(), Unit: o.Mix.unit(), Connections: o.Connections, Seconds: o.Duration.Seconds(),
			Warmup: o.Warmup.Seconds(), Rounds: o.Rounds, PinTarget: o.PinTarget, PinSelf: o.PinSelf},
	}
	if err := o.find(report); err != nil {
		return nil, err
	}
	meter, err := energy.Open(o.RAPL)
	report.Energy.Modelled = o.Model
	if err != nil {
		report.Energy.Measured.Missing = err.Error()
	} else {
		report.Energy.Measured.Zones = meter.Zones()
	}
	o.meter = meter
	if o.CountCalls {
		report.note("system calls were counted, which makes each take a little longer: CPU figures include that")
	}
	unpin, err := o.pin()
	defer unpin()
	if err != nil {
		return nil, err
	}
	floor, err := o.floor(ctx, report)
	if err != nil {
		return nil, err
	}
	if floor != nil {
		defer floor.Stop()
	}
	rates := o.Rates
	if len(rates) == 0 {
		rates = []float64{0}
	}
	for _, rate := range rates {
		series, err := o.series(ctx, rate, floor)
		report.Series = append(report.Series, series)
		if ctx.Err() != nil {
			err = ErrInterrupted
		}
		if err == nil {
			continue
		}
		if ctx.Err() == nil && !report.measured() {
			return nil, err
		}
		report.Void = true
		report.note("VOID: %v: nothing after that was measured", err)
		break
	}
	report.judge()
	return report, nil
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// measured tells whether there is any run of a target.
func (r *Report) measured() bool {
	for _, s := range r.Series {
		if slices.ContainsFunc(s.Members, func(m Member) bool { return len(m.Runs) > 0 }) {
			return true
		}
	}
	return false
}

// judge marks the report void when a run is.
func (r *Report) judge() {
	for _, s := range r.Series {
		for _, m := range s.all() {
			r.Void = r.Void || len(m.Void) > 0
		}
	}
}

// series measures one rate: F A B F A B … F.
func (o Options) series(ctx context.Context, rate float64, floor *Floor) (Series, error) {
	s := Series{Rate: rate}
	for _, t := range o.Targets {
		s.Members = append(s.Members, Member{Name: t.Name, Profile: t.profile})
	}
	if floor != nil {
		s.Floor = &Member{Name: floor.Target.Name}
	}
	var failed error
	for round := 1; round <= o.Rounds+1 && failed == nil && ctx.Err() == nil; round++ {
		if floor != nil {
			failed = o.once(ctx, s.Floor, floor.Target, floor.mix(), rate, round)
		}
		if round > o.Rounds {
			break
		}
		for i, target := range o.Targets {
			if failed == nil && ctx.Err() == nil {
				failed = o.once(ctx, &s.Members[i], target, o.Mix, rate, round)
			}
		}
	}
	s.finish(o.Model)
	return s, failed
}

func (o Options) once(ctx context.Context, member *Member, target Target, mix Mix, rate float64, round int) error {
	name := fmt.Sprintf("%s, round %d of %d", target.Name, min(round, o.Rounds), o.Rounds)
	if rate > 0 {
		name += ", " + strconv.FormatFloat(rate, 'f', -1, 64) + "/s"
	}
	run, err := measurement{o, target, mix, rate, name}.run(ctx, round)
	if err != nil {
		return err
	}
	member.Runs = append(member.Runs, run)
	return nil
}

// finish works out the figures, their ratios to the floor, and the comparisons.
func (s *Series) finish(model energy.Model) {
	if s.Floor != nil {
		s.Floor.finish(nil, model)
	}
	for i := range s.Members {
		s.Members[i].finish(s.Floor, model)
		if i > 0 {
			s.Comparisons = append(s.Comparisons, compare(s.Members[i], s.Members[0]))
		}
	}
}

func (m *Member) finish(floor *Member, model energy.Model) {
	m.Void, m.Figures = []string{}, []Figure{} // lists in JSON, also when nothing was measured
	if m.Runs == nil {
		m.Runs = []Run{}
	}
	for _, run := range m.Runs {
		for _, reason := range run.Void {
			m.Void = append(m.Void, fmt.Sprintf("round %d: %s", run.Round, reason))
		}
	}
	m.Stores = stores(m.Runs)
	for _, q := range quantities(model) {
		if figure, ok := q.of(m.Runs); ok {
			figure.compareWith(floor)
			m.Figures = append(m.Figures, figure)
		}
	}
}

// stores says in a few words whether the fights were stored.
func stores(runs []Run) string {
	if len(runs) == 0 {
		return "not measured"
	}
	acknowledged, stored := int64(0), int64(0)
	for _, run := range runs {
		if run.Stored == nil {
			return "no fights in this mix"
		}
		if !run.Stored.Checked {
			return cannotBeChecked + run.Stored.Why
		}
		acknowledged += run.Stored.Acknowledged
		stored += run.Stored.Stored
	}
	if acknowledged > 0 && stored == 0 {
		return "STORES NOTHING"
	}
	return fmt.Sprintf("%d acknowledged, %d stored", acknowledged, stored)
}

// cannotBeChecked begins what is said of a member that can't tell.
const cannotBeChecked = "CANNOT BE CHECKED: "

// unchecked returns what nobody knows of the first member of which there is anything, "" when there is nothing.
func (r *Report) unchecked() string {
	for _, s := range r.Series {
		for _, m := range s.Members {
			if strings.HasPrefix(m.Stores, cannotBeChecked) {
				return "nobody knows whether " + m.Name + " stores its fights; do not call it fast"
			}
		}
		for _, m := range s.all() {
			if _, _, unknown := m.surroundings(); unknown != "" {
				return "nobody knows what CPU time strangers took beside " + m.Name + ": " + unknown
			}
		}
	}
	return ""
}

// surroundings returns the extremes of the runs', by each figure, and why one isn't known; "" when each is.
func (m Member) surroundings() (least, most Surroundings, unknown string) {
	for i, run := range m.Runs {
		s := run.Surroundings
		if i == 0 {
			least, most = s, s
		}
		least.Load, most.Load = min(least.Load, s.Load), max(most.Load, s.Load)
		least.Strangers, most.Strangers = min(least.Strangers, s.Strangers), max(most.Strangers, s.Strangers)
		least.Steal, most.Steal = min(least.Steal, s.Steal), max(most.Steal, s.Steal)
		unknown = cmp.Or(unknown, s.Unknown)
	}
	return least, most, unknown
}

// compare compares figure by figure.
func compare(m, first Member) Comparison {
	c := Comparison{Name: m.Name, To: first.Name, Ratios: map[string]stat.Ratio{}}
	for _, figure := range m.Figures {
		base, _ := first.Figure(figure.Name) // without values there is no ratio
		if ratio, ok := stat.RatioOf(figure.Values, base.Values, wantedConfidence); ok {
			c.Ratios[figure.Name] = ratio
		}
	}
	var reasons []string
	for _, side := range []Member{first, m} {
		if len(side.Void) > 0 {
			reasons = append(reasons, side.Name+" is VOID")
		}
		if strings.HasPrefix(side.Stores, cannotBeChecked) {
			reasons = append(reasons, "nobody knows whether "+side.Name+" stores its fights")
		}
	}
	if known := first.Profile != notTold && m.Profile != notTold; known && m.Profile != first.Profile {
		reasons = append(reasons, fmt.Sprintf("%s does the work of the profile %s, %s that of %s", first.Name, first.Profile, m.Name, m.Profile))
	}
	c.Equal = strings.Join(reasons, "; ")
	return c
}

// Figure returns a figure by its name.
func (m Member) Figure(name string) (Figure, bool) {
	for _, figure := range m.Figures {
		if figure.Name == name {
			return figure, true
		}
	}
	return Figure{}, false
}

// wantedConfidence is that of intervals, where there are runs enough.
const wantedConfidence = 0.95

// Figure is one quantity over all runs.
type Figure struct {
	Name     string        `json:"name"`
	Unit     string        `json:"unit"`
	Values   []float64     `json:"values"` // one for each run
	Median   float64       `json:"median"`
	Least    float64       `json:"least"`
	Most     float64       `json:"most"`
	Interval stat.Interval `json:"interval"`           // of the median
	ToFloor  *stat.Ratio   `json:"to_floor,omitempty"` // by the floor's own figure of the same name
}

func (f *Figure) compareWith(floor *Member) {
	if floor == nil {
		return
	}
	base, _ := floor.Figure(f.floorName()) // without values there is no ratio
	if ratio, ok := stat.RatioOf(f.Values, base.Values, wantedConfidence); ok {
		f.ToFloor = &ratio
	}
}

// floorName is the figure of the floor that a store's is compared with: the floor has no store.
func (f *Figure) floorName() string {
	if rest, ok := strings.CutPrefix(f.Name, storePrefix); ok {
		return rest
	}
	return f.Name
}
