package comparison

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"superheroes/bench/measure"
	"superheroes/bench/performance"
	"superheroes/conformance/suite"
)

// load is what a member has to do in a run.
type load struct {
	name        string
	title       string
	rate        float64 // family iterations per second; 0 for the closed model
	connections int
}

// Names of loads.
const (
	busy      = "97/s"
	calm      = "9.7/s"
	saturated = "32 connections"
)

// loads returns the loads in the order in which they are measured: the one that takes most memory comes last.
func loads() []load {
	return []load{
		{busy, "97 iterations a second", 97, familyConnections},
		{calm, "9.7 iterations a second", 9.7, familyConnections},
		{saturated, "As many as possible on 32 connections", 0, 32},
	}
}

// familyConnections is the number of virtual users with which the family's load test starts.
const familyConnections = 20

// session is a comparison in progress.
type session struct {
	Setup
	plan    Plan
	say     func(format string, args ...any)
	results *Results
}

// measureAll scores each member, and then measures all of them round by round. It returns no results if a member can't
// be started for its score. After each round, it calls keep with the results so far. If ctx is canceled after the scores,
// it returns the completed runs and ErrInterrupted.
func measureAll(ctx context.Context, setup Setup, plan Plan, say func(string, ...any), keep func(*Results) error) (*Results, error) {
	s := &session{setup, plan, say, newResults(setup, plan)}
	say("%d members, %d rounds: this takes about %.0f minutes", len(s.Members), plan.Rounds, s.estimate().Minutes())
	for i := range s.Members {
		if err := s.score(ctx, i); err != nil {
			return nil, err
		}
	}
	for round := 1; round <= plan.Rounds; round++ {
		for _, i := range order(len(s.Members), round) {
			s.round(ctx, i, round)
			if ctx.Err() != nil {
				s.results.Interrupted = true
				return s.results, measure.ErrInterrupted
			}
		}
		if err := keep(s.results); err != nil {
			return s.results, err
		}
	}
	return s.results, nil
}

// newResults returns results without runs.
func newResults(setup Setup, plan Plan) *Results {
	r := &Results{Date: time.Now().UTC(), Plan: plan, Machine: performance.ThisMachine(), Reference: setup.Reference}
	for _, store := range setup.Stores {
		store.Processes = nil
		r.Stores = append(r.Stores, store)
	}
	for _, m := range setup.Members {
		r.Members = append(r.Members, Member{About: m.About, Runs: map[string][]Run{}})
	}
	return r
}

// estimate returns how long the rounds will take.
func (s *session) estimate() time.Duration {
	each := 2*s.plan.Idle + 10*time.Second // a member is idle before and after its first run; starting takes seconds
	for _, l := range loads() {
		each += s.plan.Warmup + s.plan.measured(l)
	}
	return each * time.Duration(len(s.Members)*s.plan.Rounds)
}

// measured returns the duration of a run.
func (p Plan) measured(l load) time.Duration {
	if l.rate == 0 {
		return p.Duration
	}
	return max(p.Duration, time.Duration(float64(p.Least)/l.rate*float64(time.Second)))
}

// order returns the indexes of n members in the order of a round: each round starts with another member.
func order(n, round int) []int {
	indexes := make([]int, n)
	for i := range indexes {
		indexes[i] = (i + round - 1) % n
	}
	return indexes
}

// score starts a member, scores it with the contract suite's clauses for the whole family, and stops it.
func (s *session) score(ctx context.Context, i int) error {
	m := s.Members[i]
	p, err := s.start(ctx, m)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	defer p.stop()
	score, err := p.score(ctx)
	if err != nil {
		return fmt.Errorf("%s: contract suite: %w", m.Name, err)
	}
	if ctx.Err() != nil {
		return measure.ErrInterrupted
	}
	s.say("%s: contract suite: %s", m.Name, score)
	s.results.Members[i].Score = score
	return nil
}

// score counts the clauses of a service without an address as failed.
func (p *process) score(ctx context.Context) (suite.Score, error) {
	of := func(service measure.Service) string { return p.target.URL(service) }
	fights := of(measure.Fights)
	target := suite.Target{Heroes: cmp.Or(of(measure.Heroes), fights), Villains: cmp.Or(of(measure.Villains), fights),
		Locations: cmp.Or(of(measure.Locations), fights), Fights: fights}
	offered := func(c suite.Clause) bool { return of(measure.Service(c.Service)) != "" }
	outcomes, err := suite.Run(ctx, target, suite.Options{Group: suite.Core, Timeout: 10 * time.Second, Only: offered})
	score := suite.ScoreOf(outcomes, suite.Core)
	for _, c := range suite.Clauses() {
		if c.Group == suite.Core && !offered(c) {
			score.Failed++
		}
	}
	return score, err
}

// round starts a member, measures it under every load, and stops it. Failures are recorded, so that the rest of the
// comparison goes on.
func (s *session) round(ctx context.Context, i, round int) {
	m := &s.results.Members[i]
	err := s.loads(ctx, i, round)
	if err != nil && ctx.Err() == nil {
		s.say("round %d, %s: %v", round, m.Name, err)
		text, _, _ := strings.Cut(err.Error(), "; its output") // which may be long
		m.Failures = append(m.Failures, fmt.Sprintf("round %d: %s", round, text))
	}
}

func (s *session) loads(ctx context.Context, i, round int) error {
	p, err := s.start(ctx, s.Members[i])
	if err != nil {
		return err
	}
	defer p.stop()
	for at, l := range loads() {
		run, err := s.run(ctx, p, l, at == 0)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		run.Round = round
		s.say("round %d, %s, %s: %s", round, p.Name, l.name, run)
		m := &s.results.Members[i]
		m.Runs[l.name] = append(m.Runs[l.name], run)
	}
	return nil
}

// run performs one run, again if other processes disturbed it. The first run of a member begins with its idle time.
func (s *session) run(ctx context.Context, p *process, l load, first bool) (Run, error) {
	mix, err := measure.ParseMix("family")
	if err != nil {
		return Run{}, err
	}
	options := measure.Options{
		Mix: mix, Targets: []measure.Target{p.target}, Connections: l.connections, Rounds: 1,
		Duration: s.plan.measured(l), Warmup: s.plan.Warmup, Idle: min(time.Second, s.plan.Idle), Timeout: 10 * time.Second, MaxWait: time.Second,
	}
	if l.rate > 0 {
		options.Rates = []float64{l.rate}
	}
	if first {
		warmup, _ := p.warmup() // checked with the members file
		options.Idle, options.Warmup = s.plan.Idle, max(options.Warmup, warmup)
	}
	var idle measure.Run
	for attempt := 1; ; attempt++ {
		report, err := measure.Members(ctx, options)
		if err != nil {
			return Run{}, err
		}
		if ctx.Err() != nil {
			return Run{}, measure.ErrInterrupted
		}
		measured := report.Series[0].Members[0].Runs[0]
		run := p.figures(measured)
		if attempt == 1 {
			idle, options.Idle = measured, min(time.Second, s.plan.Idle) // a further attempt follows a load
		}
		if first {
			p.addIdle(&run, idle)
		}
		if run.Repeated = attempt - 1; len(run.Disturbed) == 0 || attempt == s.plan.Attempts {
			return run, nil
		}
		s.say("%s, %s: repeated: %s", p.Name, l.name, strings.Join(run.Disturbed, "; "))
	}
}
