package performance

import (
	"fmt"
	"slices"
	"time"

	"superheroes/bench/measure"
	"superheroes/test/engines"
	"superheroes/test/program"
)

// Names of the family's usage scenario, of the series at the rates at which it has targets, and of their cells.
const (
	scenario = "scenario"
	family   = "family"

	floorLimited = "floor on one core"              // with the settings of a service in a separate process
	singleFloor  = "floor, a single request, 291/s" // as many requests as in 97 iterations, at regular intervals
	storesAlone  = "stores without services"
)

const (
	familyMix    = "family"        // randomfighters, randomlocation, POST
	threeFloors  = "livez_3_times" // what such an iteration costs on the floor server
	highRate     = 97.0
	lowRate      = 9.7
	leastCounted = 10 // iterations during which system calls are counted
)

// idleCell returns the name of a system's cell for the time before the load.
func idleCell(name string) string { return name + ", idle" }

// subject is a system that is measured alone: it is started, measured step by step, and stopped.
type subject struct {
	name  string
	floor string // name of the subject to compare with; "" for a floor server and for the stores
	mix   string
	start func() *system
	steps []*trial
}

// rest adds a step in which the system is idle, and returns it.
func (b *subject) rest(length time.Duration) *trial {
	idle := &trial{Cell: Cell{Name: idleCell(b.name)}, measured: length}
	b.steps = append(b.steps, idle)
	return idle
}

// at adds steps with the given rates.
func (b *subject) at(length time.Duration, rates ...float64) {
	for _, rate := range rates {
		b.add(func(name string) string { return atRate(name, rate) },
			&trial{Cell: Cell{Rate: rate, Connections: slowConnections(rate)}, measured: length})
	}
}

// saturate adds a step in the closed model.
func (b *subject) saturate(length time.Duration) {
	b.add(func(name string) string { return atConnections(name, usual) },
		&trial{Cell: Cell{Connections: usual}, measured: length})
}

func (b *subject) add(named func(string) string, t *trial) {
	t.Name, t.Mix = named(b.name), b.mix
	if b.floor != "" {
		t.Floor = named(b.floor)
	}
	b.steps = append(b.steps, t)
}

// subjects returns the systems with the given names and the floor servers that they are compared with.
func (s *setup) subjects(names ...string) []*subject {
	all := map[string]*subject{
		fourStrict: {mix: familyMix, start: func() *system { return s.warm(s.four(strict)) }},
		fourEco:    {mix: familyMix, start: func() *system { return s.warm(s.four(eco)) }},
		upStrict:   {mix: familyMix, start: func() *system { return s.warm(s.up(strict)) }},
		upEco:      {mix: familyMix, start: func() *system { return s.warm(s.up(eco)) }},

		floorLimited: {mix: threeFloors, start: func() *system { return s.bare(true) }},
		floorPart:    {mix: threeFloors, start: func() *system { return s.bare(false) }},
		storesAlone:  {start: s.unused},
	}
	var chosen []*subject
	for _, name := range names {
		b := all[name]
		if b.name = name; b.mix == familyMix {
			b.floor = floorFor(name)
		}
		chosen = append(chosen, b)
	}
	return chosen
}

// warm requests a few fights from a system that has just been started.
func (s *setup) warm(of *system) *system {
	s.err = of.warmUp()
	return of
}

// bare starts a floor server whose responses are as large as a fight.
func (s *setup) bare(limited bool) *system {
	if s.fightSize == 0 {
		up := s.up(eco)
		defer up.stop()
		s.fightSize, s.err = up.sizeOfFight()
	}
	return s.add(func(of *system) error { return of.floor(s.fightSize, limited) })
}

// sizeOfFight returns the size of the response to a fight.
func (s *system) sizeOfFight() (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	fight, err := program.Get(s.ctx, s.urls[measure.Fights]+fightPath)
	return len(fight), err
}

// unused returns a system that consists of the database servers alone.
func (s *setup) unused() *system {
	return s.add(func(of *system) error {
		for _, server := range []struct{ variable, name string }{
			{engines.PostgresURL, "PostgreSQL"}, {engines.MySQLURL, "MariaDB"}, {engines.MongoDBURL, mongoName},
		} {
			if _, err := of.storeServer(server.variable, server.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// scenario measures the family's usage scenario: the systems are idle, then get loads of increasing rates.
func (s *setup) scenario() error {
	p, subjects := s.plan.Scenario, s.subjects(fourStrict, fourEco, upStrict, upEco, floorLimited, floorPart)
	for _, b := range subjects {
		b.rest(p.Idle)
		b.at(p.Measured, s.plan.Rates...)
		for _, t := range b.steps[1:] {
			t.idle = true // for the energy, which RAPL may count
		}
	}
	return s.visits(scenario, 1, subjects)
}

// family measures the figures that have targets: while idle, at the family's rates, and at saturation. The database
// servers are also watched without any service, to see what idle connections cost them.
func (s *setup) family() error {
	p, subjects := s.plan.Scenario, s.subjects(storesAlone, fourStrict, fourEco, upEco, floorLimited, floorPart)
	for _, b := range subjects {
		if slices.Contains([]string{storesAlone, fourStrict, fourEco}, b.name) {
			b.rest(p.RoundIdle).rounds = p.IdleRounds
		}
		if b.name != storesAlone {
			b.at(p.Round, lowRate, highRate)
			b.saturate(p.Round)
		}
		if b.name == floorPart {
			b.steps = append(b.steps, &trial{measured: p.Round, Cell: Cell{
				Name: singleFloor, Mix: floorMix, Rate: 3 * highRate, Connections: slowConnections(highRate),
			}})
		}
	}
	return s.visits(family, p.Rounds, subjects)
}

// visits measures all steps of the subjects, round by round. No other system runs at the same time, since it would use
// cores and connections, and would share the program's memory. Void and failed steps are repeated in the plan's extra
// rounds; a step that still has too few valid runs is void.
func (s *setup) visits(name string, rounds int, subjects []*subject) error {
	missing := func(t *trial) bool { return t.punctual() < t.needs(rounds) }
	for range rounds + s.plan.Extra {
		for _, b := range subjects {
			s.visit(name, b, missing)
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
	}
	measured := Series{Name: name}
	for _, b := range subjects {
		for _, t := range b.steps {
			t.decide(t.needs(rounds))
			measured.Cells = append(measured.Cells, t.Cell)
		}
	}
	s.r.Series = append(s.r.Series, measured)
	return nil
}

// visit starts a subject, measures the missing steps, and stops the subject.
func (s *setup) visit(series string, b *subject, missing func(*trial) bool) {
	if !slices.ContainsFunc(b.steps, missing) {
		return
	}
	of := b.start()
	defer of.stop()
	err := s.err
	s.err = nil // the next subject may start nevertheless
	for _, t := range b.steps {
		if !missing(t) {
			continue
		}
		if t.of = of; err == nil {
			err = s.step(series, t)
		}
		if err != nil {
			t.fail(err)
			s.say("%s: %s: %v", series, t.Name, err)
		}
	}
}

// fail counts a run that could not be completed as void.
func (t *trial) fail(err error) {
	t.Runs++
	t.Void = append(t.Void, fmt.Sprintf("run %d: %v", t.Runs, err))
}

// step measures one step of a subject.
func (s *setup) step(series string, t *trial) error {
	if t.Mix == "" {
		return s.rest(series, t)
	}
	valid := t.Valid
	err := s.once(series, t)
	if err != nil || t.Valid == valid || series != scenario {
		return err
	}
	return s.countCalls(t)
}

// countCalls repeats the load of a step to count its system calls, if the kernel allows that.
func (s *setup) countCalls(t *trial) error {
	again := *t
	again.count, again.idle = true, false
	again.measured = max(s.plan.Scenario.Counted, time.Duration(leastCounted/t.Rate*float64(time.Second)))
	run, _, err := s.run(&again, t.of)
	if err != nil {
		return err
	}
	if u := run.Application; u != nil && u.Calls > 0 && len(voidReasons(run, false)) == 0 {
		t.add(systemCalls, u.Calls)
	}
	return nil
}

// rest measures an idle system.
func (s *setup) rest(series string, t *trial) error {
	measure.Pause(s.ctx, settle)
	unseen := func(p part) bool { return len(p.pids) == 0 }
	watched := slices.DeleteFunc(slices.Clone(t.of.parts), unseen)
	idle, err := s.watchIdle(watched, func() error { measure.Pause(s.ctx, t.measured); return nil })
	if err != nil {
		return err
	}
	t.Runs, t.Valid = t.Runs+1, t.Valid+1
	t.Parts = nil
	var services, stores Idle
	for _, each := range idle {
		sum := &services
		if each.Store {
			sum = &stores
		}
		sum.CPU, sum.PSS = sum.CPU+each.CPU, sum.PSS+each.PSS
		t.Parts = append(t.Parts, each.Name)
	}
	s.say("%s: %s, run %d: %.4f %% of a core", series, t.Name, t.Runs, 100*(services.CPU+stores.CPU))
	t.add(idleCPU, services.CPU)
	t.add(pss, services.PSS)
	t.add(pssPeak, services.PSS)
	if len(watched) == len(t.of.parts) && slices.ContainsFunc(watched, func(p part) bool { return p.store }) {
		t.add(idleStore, stores.CPU)
		t.add(storePSS, stores.PSS)
	}
	return nil
}
