// Package measure measures running members of the family: how they respond to load, and which resources their processes
// use. It guards against flattering results: a run is void if iterations were dropped, responses were wrong,
// acknowledged fights weren't stored, or unrelated processes used the same cores. The entry point is Members, which
// returns a Report.
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
	"superheroes/bench/format"
	"superheroes/bench/proc"
	"superheroes/bench/stat"
)

// Report is the result of a measurement.
type Report struct {
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Machine Machine   `json:"machine"`
	Plan    Plan      `json:"plan"`
	Energy  Tiers     `json:"energy"`
	Series  []Series  `json:"series"`            // one series per rate, or a single series for the closed model
	Void    bool      `json:"void"`              // at least one run is void, or the measurement stopped early
	Stopped string    `json:"stopped,omitempty"` // why the measurement stopped early
	Notes   []string  `json:"notes"`             // what the figures don't cover, and why
}

// Machine describes the machine on which the members were measured.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
}

// Plan describes the requested measurement.
type Plan struct {
	Mix         string  `json:"mix"`
	Unit        string  `json:"unit"` // whether figures are per fight or per iteration
	Connections int     `json:"connections"`
	Seconds     float64 `json:"seconds"`
	Warmup      float64 `json:"warmup_seconds"`
	Rounds      int     `json:"rounds"`
	FloorProcs  int     `json:"floor_procs,omitempty"`
	FloorSize   int     `json:"floor_bytes,omitempty"`
	PinTarget   []int   `json:"pin_target,omitempty"`
	PinSelf     []int   `json:"pin_self,omitempty"`
}

// Series holds all runs at one request rate.
type Series struct {
	Rate        float64      `json:"rate"` // iterations per second; 0 means the closed model
	Floor       *Member      `json:"floor,omitempty"`
	Members     []Member     `json:"members"`
	Comparisons []Comparison `json:"comparisons,omitempty"` // compares each member with the first one
}

// Member holds the results of all runs against one target.
type Member struct {
	Name    string   `json:"name"`
	Profile string   `json:"profile,omitempty"` // as reported by the health page; empty for the floor server
	Runs    []Run    `json:"runs"`
	Figures []Figure `json:"figures"` // figures over all runs, including void ones
	Void    []string `json:"void"`    // reasons why runs are void, each with its round number
	Stores  string   `json:"stores"`  // says whether all acknowledged fights were stored

	StoreNames []string `json:"store_names,omitempty"` // what the stores are, such as "FerretDB 1.24"
	Uncovered  []string `json:"uncovered,omitempty"`   // services that CPU and memory do not cover if they are separate processes
}

// Comparison compares a member with the first member, which is the reference.
type Comparison struct {
	Name   string                `json:"name"`
	To     string                `json:"to"`
	Equal  string                `json:"not_equal,omitempty"` // why the two members did not do equal work
	Ratios map[string]stat.Ratio `json:"ratios"`              // by figure name
}

// Members measures every target at every rate, round by round. It also measures the floor server, before the first
// round and after every round. It returns an error if a target doesn't respond or can't be measured; the reasons why
// runs are void are in the report. If ctx is canceled, or a target stops responding after some runs, Members returns
// the partial report, marked void.
func Members(ctx context.Context, o Options) (*Report, error) {
	o.system = proc.System()
	o.Targets = slices.Clone(o.Targets) // copied, because the targets' processes and profiles are filled in below
	if err := o.Check(); err != nil {
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
		report.note("system calls were counted, which makes each one slightly slower; CPU figures include that overhead")
	}
	unpin, err := o.pin()
	defer unpin()
	if err != nil {
		return nil, err
	}
	if err := o.discover(report); err != nil {
		return nil, err
	}
	floor, err := o.floor(ctx, report)
	if err != nil {
		return nil, err
	}
	if floor != nil {
		defer floor.Stop()
	}
	if err := o.measureAll(ctx, report, floor); err != nil {
		return nil, err
	}
	report.noteRuns()
	report.judge()
	return report, nil
}

// measureAll runs one series for each rate. If a series fails, the measurement ends, and the report is marked VOID if
// it already has results.
func (o Options) measureAll(ctx context.Context, report *Report, floor *Floor) error {
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
			return err
		}
		report.Void, report.Stopped = true, err.Error()
		return nil
	}
	return nil
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// measured reports whether at least one target has completed a run.
func (r *Report) measured() bool {
	for _, s := range r.Series {
		if slices.ContainsFunc(s.Members, func(m Member) bool { return len(m.Runs) > 0 }) {
			return true
		}
	}
	return false
}

// judge marks the report void if any run is void.
func (r *Report) judge() {
	for _, s := range r.Series {
		for _, m := range s.all() {
			r.Void = r.Void || len(m.Void) > 0
		}
	}
}

// series measures the targets A, B, … and the floor F at one rate, in the order F A B F A B … F.
func (o Options) series(ctx context.Context, rate float64, floor *Floor) (Series, error) {
	s := Series{Rate: rate}
	for _, t := range o.Targets {
		s.Members = append(s.Members, Member{Name: t.Name, Profile: t.profile, StoreNames: t.StoreNames, Uncovered: t.uncovered})
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

// finish computes the figures, their ratios to the floor server's figures, and the comparisons.
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
	m.Void, m.Figures = []string{}, []Figure{} // so that JSON has empty lists rather than null
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
			if floor != nil { // the floor server has no store, so all figures are divided by those of its own process
				same, _ := floor.Figure(base(figure.Name)) // a missing figure yields no ratio
				if ratio, ok := stat.RatioOf(figure.Values, same.Values, wantedConfidence); ok {
					figure.ToFloor = &ratio
				}
			}
			m.Figures = append(m.Figures, figure)
		}
	}
}

// stores says whether the fights acknowledged in the runs were stored.
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
	return fmt.Sprintf("%s acknowledged, %s stored", format.Exact(float64(acknowledged)), format.Exact(float64(stored)))
}

// cannotBeChecked is the prefix of the summary for a member that doesn't report how many fights it has stored.
const cannotBeChecked = "CANNOT BE CHECKED: "

// unchecked describes the first check that could not be made for the member, or returns "" if all checks were made.
func (m Member) unchecked() string {
	if strings.HasPrefix(m.Stores, cannotBeChecked) {
		return "it is unknown whether " + m.Name + " stores its fights; do not call it fast"
	}
	if _, _, unknown := m.surroundings(); unknown != "" {
		return "the CPU time of unrelated processes while measuring " + m.Name + " is unknown: " + unknown
	}
	return ""
}

// surroundings returns, for each figure about the machine, the minimum and maximum over the runs. It also returns the
// reason why a figure is unknown, or "" if every figure is known.
func (m Member) surroundings() (low, high Surroundings, unknown string) {
	for i, run := range m.Runs {
		s := run.Surroundings
		if i == 0 {
			low, high = s, s
		}
		low.Load, high.Load = min(low.Load, s.Load), max(high.Load, s.Load)
		low.Strangers, high.Strangers = min(low.Strangers, s.Strangers), max(high.Strangers, s.Strangers)
		low.Steal, high.Steal = min(low.Steal, s.Steal), max(high.Steal, s.Steal)
		unknown = cmp.Or(unknown, s.Unknown)
	}
	return low, high, unknown
}

// compare compares two members figure by figure.
func compare(m, first Member) Comparison {
	c := Comparison{Name: m.Name, To: first.Name, Ratios: map[string]stat.Ratio{}}
	for _, figure := range m.Figures {
		base, _ := first.Figure(figure.Name) // a missing figure yields no ratio
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
			reasons = append(reasons, "it is unknown whether "+side.Name+" stores its fights")
		}
	}
	if known := first.Profile != notTold && m.Profile != notTold; known && m.Profile != first.Profile {
		reasons = append(reasons,
			fmt.Sprintf("%s runs in profile %s, %s in profile %s", first.Name, first.Profile, m.Name, m.Profile))
	}
	c.Equal = strings.Join(reasons, "; ")
	return c
}

// Figure returns the figure with the given name.
func (m Member) Figure(name string) (Figure, bool) {
	at := slices.IndexFunc(m.Figures, func(f Figure) bool { return f.Name == name })
	if at < 0 {
		return Figure{}, false
	}
	return m.Figures[at], true
}

// wantedConfidence is the confidence level that intervals reach if there are enough runs.
const wantedConfidence = 0.95

// Figure summarizes one quantity over all runs.
type Figure struct {
	Name     string        `json:"name"`
	Unit     string        `json:"unit"`
	Values   []float64     `json:"values"` // one for each run
	Median   float64       `json:"median"`
	Least    float64       `json:"least"`
	Most     float64       `json:"most"`
	Interval stat.Interval `json:"interval"`           // of the median
	ToFloor  *stat.Ratio   `json:"to_floor,omitempty"` // ratio to the floor server's figure with the same name
}
