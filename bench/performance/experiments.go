package performance

import (
	"context"
	"fmt"

	"superheroes/bench/measure"
	"superheroes/bench/stat"
	"superheroes/test/program"
)

// experiment measures one comparison.
type experiment struct {
	name string
	run  func(*lab, context.Context, *Results) error
}

// Names of the experiments, which are also those of their series, and of the cells that the documents refer to.
const (
	at32        = "fights-32"
	at32All     = "fights-32-all-cores"
	at128       = "fights-128"
	at1         = "fights-1"
	randomHero  = "random-hero"
	tail        = "tail"
	connections = "connections"
	roster      = "roster"
	rosterAlone = "roster-alone"
	stored      = "stored"
	rates       = "rates"
	instances   = "instances"

	upEco       = "up, eco"
	upUncounted = "up, eco, without statistics"
	upStrict    = "up, strict"
	fourEco     = "four processes, eco"
	fourStrict  = "four processes, strict"
	fourStub    = "four processes, strict, nothing stored"

	heroesEco    = "heroes, eco"
	heroesStrict = "heroes, strict"
)

const (
	executeFight = "execute_fight"
	usual        = 32             // connections
	oneCore      = "GOMAXPROCS=1" // as compose.yml and the scenarios set it for each service
	allCores     = "GOMAXPROCS="  // the default
	eco, strict  = "eco", "strict"
)

func experiments() []experiment {
	return []experiment{
		{at32, (*lab).at32}, {at32All, (*lab).at32AllCores}, {at128, (*lab).at128}, {at1, (*lab).at1}, {randomHero, (*lab).randomHero}, {tail, (*lab).tail},
		{connections, (*lab).connections}, {roster, (*lab).roster}, {rosterAlone, (*lab).rosterAlone}, {stored, (*lab).stored},
		{rates, (*lab).rates}, {instances, (*lab).instances}, {"idle", (*lab).idle}, {"start", (*lab).start},
		{"allocations", (*lab).allocations},
	}
}

// setup starts systems and stops them all.
type setup struct {
	l       *lab
	ctx     context.Context
	started []*system
	err     error // the first error
}

func (s *setup) stop() {
	for _, each := range s.started {
		each.stop()
	}
}

// add starts a system, unless an earlier one failed to start.
func (s *setup) add(start func() (*system, error)) *system {
	if s.err != nil {
		return nil
	}
	var of *system
	if of, s.err = start(); s.err == nil {
		s.started = append(s.started, of)
	}
	return of
}

func (s *setup) up(profile string, env ...string) *system {
	return s.add(func() (*system, error) { return s.l.up(s.ctx, profile, "", env...) })
}

func (s *setup) four(profile string, env ...string) *system {
	return s.add(func() (*system, error) { return s.l.four(s.ctx, profile, env...) })
}

// floor starts one whose responses have the size given in the URL.
func (s *setup) floor(of *system, service measure.Service, path string) *system {
	return s.add(func() (*system, error) {
		answer, err := program.Get(s.ctx, of.urls[service]+path)
		if err != nil {
			return nil, err
		}
		return s.l.floor(len(answer))
	})
}

// fightFloor starts a floor whose responses have the size of a fight.
func (s *setup) fightFloor(of *system) *system {
	return s.floor(of, measure.Fights, "/api/fights/execute_fight")
}

// fights returns a trial of execute_fight in the closed model, compared with the floor at the same number of connections.
func fights(name string, of *system, connections int) *trial {
	return &trial{of: of, Cell: Cell{Name: name, Floor: floorCell(connections), Mix: executeFight, Connections: connections}}
}

// series measures the trials and adds the series to the results.
func (s *setup) series(r *Results, name string, trials ...*trial) error {
	if s.err != nil {
		return s.err
	}
	measured, err := s.l.alternate(s.ctx, name, trials...)
	if err != nil {
		return err
	}
	r.Series = append(r.Series, measured)
	return nil
}

func (l *lab) at32(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	up, uncounted, upStrictly := s.up(eco), s.up(eco, "STATISTICS=false"), s.up(strict)
	trials := append([]*trial{floorTrial(s.fightFloor(up), usual), fights(upEco, up, usual), fights(upUncounted, uncounted, usual), fights(upStrict, upStrictly, usual)},
		s.fourOn(oneCore)...)
	return s.series(r, at32, trials...)
}

// fourOn returns the trials of four processes with that GOMAXPROCS setting.
func (s *setup) fourOn(cores string) []*trial {
	storeless := s.add(func() (*system, error) { return s.l.storeless(s.ctx, strict, cores) })
	stub := fights(onCores(fourStub, cores), storeless, usual)
	stub.Nothing = true
	return []*trial{fights(onCores(fourEco, cores), s.four(eco, cores), usual), fights(onCores(fourStrict, cores), s.four(strict, cores), usual), stub}
}

// onCores adds the GOMAXPROCS setting to a name, unless it is the usual one.
func onCores(name, cores string) string {
	if cores == allCores {
		return name + ", all cores"
	}
	return name
}

// at32AllCores is a separate series, because together they would need more connections than the database servers accept.
func (l *lab) at32AllCores(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	trials := s.fourOn(allCores)
	return s.series(r, at32All, append([]*trial{floorTrial(s.fightFloor(trials[0].of), usual)}, trials...)...)
}

func (l *lab) at128(ctx context.Context, r *Results) error {
	const many = 128
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	up, four, onAll := s.up(eco), s.four(eco), s.four(eco, allCores)
	return s.series(r, at128, floorTrial(s.fightFloor(up), many), fights(upEco, up, many), fights(fourEco, four, many),
		fights(onCores(fourEco, allCores), onAll, many))
}

// at1 has two floors: with one connection every request has to wake a sleeping process, so the floor costs more, too.
func (l *lab) at1(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	up := s.up(eco)
	floor := s.fightFloor(up)
	return s.series(r, at1, floorTrial(floor, usual), floorTrial(floor, 1), fights(upEco, up, 1))
}

func (l *lab) randomHero(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	start := func(profile string, env ...string) *system {
		return s.add(func() (*system, error) { return l.heroes(ctx, profile, nil, env...) })
	}
	inEco := start(eco, oneCore)
	return s.series(r, randomHero, floorTrial(s.floor(inEco, measure.Heroes, randomHeroPath), usual),
		heroOf(heroesEco, inEco), heroOf(heroesStrict, start(strict, oneCore)),
		heroOf(onCores(heroesEco, allCores), start(eco, allCores)), heroOf(onCores(heroesStrict, allCores), start(strict, allCores)))
}

const randomHeroPath = "/api/heroes/random_hero"

// heroOf returns a trial of random_hero.
func heroOf(name string, of *system) *trial {
	return &trial{of: of, Cell: Cell{Name: name, Floor: floorCell(usual), Mix: "random_hero", Connections: usual}}
}

// ofSaturation is the fraction of the closed model's throughput at which tail latency is measured.
const ofSaturation = 0.8

// tail measures latency in the open model, at a fraction of the saturation of the same system.
func (l *lab) tail(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	trials := []*trial{fights(upEco, s.up(eco), usual), fights(fourEco, s.four(eco), usual)}
	floor := s.fightFloor(trials[0].of)
	if s.err != nil {
		return s.err
	}
	var floors []*trial
	for _, t := range trials {
		full, err := l.saturation(ctx, t)
		if err != nil {
			return err
		}
		t.Rate, t.Connections, t.Floor = ofSaturation*full, 4*usual, "floor at the rate of "+t.Name
		base := floorTrial(floor, t.Connections)
		base.Name, base.Rate = t.Floor, t.Rate
		floors = append(floors, base)
	}
	return s.series(r, tail, append(floors, trials...)...)
}

// saturation returns the throughput of the closed model: the median of three valid runs, with at most six attempts.
func (l *lab) saturation(ctx context.Context, t *trial) (float64, error) {
	var values []float64
	var reason string
	for range 6 {
		run, _, err := l.run(ctx, t, t.of)
		if err != nil {
			return 0, err
		}
		if len(run.Void) > 0 {
			reason = run.Void[0]
			continue
		}
		if values = append(values, run.Throughput); len(values) == 3 {
			return stat.Median(values), nil
		}
	}
	return 0, fmt.Errorf("measuring the saturation of %s: only %d of six runs were valid: %s", t.Name, len(values), reason)
}

func (l *lab) connections(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	up, four := s.up(eco), s.four(eco)
	floor := s.fightFloor(up)
	var trials []*trial
	for _, n := range l.plan.Clients {
		trials = append(trials, floorTrial(floor, n), fights(atConnections(upEco, n), up, n), fights(atConnections(fourEco, n), four, n))
	}
	return s.series(r, connections, trials...)
}

func atConnections(name string, n int) string {
	if n == 1 {
		return name + ", 1 connection"
	}
	return fmt.Sprintf("%s, %d connections", name, n)
}

// rates measures at the family's rates, where idle consumption matters most.
func (l *lab) rates(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	systems := []*system{s.up(eco), s.up(strict), s.four(eco), s.four(strict)}
	floor := s.fightFloor(systems[0])
	var trials []*trial
	for _, rate := range l.plan.Rates {
		n := slowConnections(rate)
		base := l.slow(floorTrial(floor, n), "floor", rate)
		trials = append(trials, base)
		for i, name := range rateNames() {
			t := l.slow(fights(name, systems[i], n), name, rate)
			t.Floor = base.Name
			trials = append(trials, t)
		}
	}
	return s.series(r, rates, trials...)
}

// slow turns a trial into one at a rate of a few iterations per second.
func (l *lab) slow(t *trial, name string, rate float64) *trial {
	t.Name, t.Rate, t.idle = atRate(name, rate), rate, true
	t.rounds, t.measured = l.plan.Slow.Rounds, l.plan.Slow.measured(rate)
	return t
}

// slowConnections returns the number of iterations that come due in a tenth of a second: few enough that all connections are
// opened during the warm-up and no measured fight has to pay for one.
func slowConnections(rate float64) int { return max(1, int(rate/10)) }

func rateNames() []string { return []string{upEco, upStrict, fourEco, fourStrict} }

func atRate(name string, rate float64) string { return fmt.Sprintf("%s, %g/s", name, rate) }
