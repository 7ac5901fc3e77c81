package performance

import (
	"fmt"

	"superheroes/bench/stat"
)

// experiment measures one comparison. An experiment with a title has its own section in the document.
type experiment struct {
	name, title, remark string
	run                 func(*setup) error
}

// Names of the experiments, of their series, and of the cells that the documents refer to.
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
	executeFight  = "execute_fight"
	randomHeroMix = "random_hero"
	usual         = 32             // connections
	oneCore       = "GOMAXPROCS=1" // setting for each service in compose.yml and the scenarios
	slack         = "10ms"         // likewise
	timerSlack    = "TIMER_SLACK=" + slack
	slackFlag     = "--timer-slack=" + slack
	allCores      = "GOMAXPROCS=" // the default
	eco, strict   = "eco", "strict"
)

func experiments() []experiment {
	return []experiment{
		{scenario, "", "", (*setup).scenario},
		{family, "", "", (*setup).family},
		{at32, "`execute_fight`, 32 connections", "FerretDB stands in for MongoDB.", (*setup).at32},
		{at32All, "`execute_fight`, 32 connections, services on all cores", "", (*setup).at32AllCores},
		{at128, "`execute_fight`, 128 connections", "", (*setup).at128},
		{at1, "`execute_fight`, 1 connection",
			"With one connection, every response must wake a sleeping process, and no other work shares " +
				"the cost of the wake-up, so the floor server also uses more CPU time than at 32 connections.",
			(*setup).at1},
		{randomHero, "`random_hero`, one heroes service on PostgreSQL", "", (*setup).randomHero},
		{tail, "Latency at 80 % of saturation",
			"Saturation is the closed model's throughput at 32 connections: the median of three runs just before this series.",
			(*setup).tail},
		{connections, "Throughput by number of connections", "", (*setup).connections},
		{roster, "Cost by roster size, `up` on SQLite",
			"Heroes and villains each have the given number of rows. In the strict profile, every random pick is a " +
				"database read.",
			(*setup).roster},
		{rosterAlone, "Cost by roster size, heroes on PostgreSQL", "", (*setup).rosterAlone},
		{stored, "Cost by number of stored fights, `up` on SQLite",
			"The store that starts out empty is recreated for each run. The other stores grow with each run.",
			(*setup).stored},
		{instances, "Several fights processes on one store",
			"A forwarder in the generator's process distributes the connections round-robin among the fights processes. " +
				"There are 32 connections unless a row gives another number.",
			(*setup).instances},
		{"idle", "", "", (*setup).idle},
		{"start", "", "", (*setup).start},
		{"allocations", "", "", (*setup).allocations},
		{telemetry, "", "", (*setup).telemetry},
		{telemetryIdle, "", "", (*setup).telemetryIdle},
		{telemetryRequest, "", "", (*setup).telemetryRequest},
		{instructions, "", "", (*setup).instructions},
	}
}

// fights returns a trial of the execute_fight action in the closed model, compared with the floor server at the same
// number of connections.
func fights(name string, of *system, connections int) *trial {
	cell := Cell{Name: name, Floor: floorCell(connections), Mix: executeFight, Connections: connections}
	return &trial{of: of, Cell: cell}
}

// heroOf returns a trial of the random_hero action in the closed model, compared with the floor server.
func heroOf(name string, of *system) *trial {
	t := fights(name, of, usual)
	t.Mix = randomHeroMix
	return t
}

func (s *setup) at32() error {
	trials := []*trial{
		fights(upEco, s.up(eco), usual), fights(upUncounted, s.up(eco, "STATISTICS=false"), usual),
		fights(upStrict, s.up(strict), usual),
	}
	return s.series(at32, append(trials, s.fourOn(oneCore)...)...)
}

// at32AllCores is separate from at32, because all of these systems together would need more connections than the
// database servers accept.
func (s *setup) at32AllCores() error { return s.series(at32All, s.fourOn(allCores)...) }

// fourOn returns the trials that run the four services in separate processes with the given GOMAXPROCS setting.
func (s *setup) fourOn(cores string) []*trial {
	stub := fights(onCores(fourStub, cores), s.storeless(strict, cores), usual)
	stub.Nothing = true
	return []*trial{
		fights(onCores(fourEco, cores), s.four(eco, cores), usual),
		fights(onCores(fourStrict, cores), s.four(strict, cores), usual), stub,
	}
}

// onCores adds the GOMAXPROCS setting to a name, unless the setting is the usual one.
func onCores(name, cores string) string {
	if cores == allCores {
		return name + ", all cores"
	}
	return name
}

func (s *setup) at128() error {
	const many = 128
	return s.series(at128, fights(upEco, s.up(eco), many), fights(fourEco, s.four(eco), many),
		fights(onCores(fourEco, allCores), s.four(eco, allCores), many))
}

// at1 measures the floor server both with one connection and with the usual number, because with one connection every
// request must wake a sleeping process, which makes the floor more expensive as well.
func (s *setup) at1() error {
	return s.series(at1, floorTrial(floorCell(usual), usual), fights(upEco, s.up(eco), 1))
}

func (s *setup) randomHero() error {
	var trials []*trial
	for _, cores := range []string{oneCore, allCores} {
		trials = append(trials, heroOf(onCores(heroesEco, cores), s.heroes(eco, nil, cores)),
			heroOf(onCores(heroesStrict, cores), s.heroes(strict, nil, cores)))
	}
	return s.series(randomHero, trials...)
}

// ofSaturation is the fraction of the closed model's throughput at which tail latency is measured.
const ofSaturation = 0.8

// tail measures latency in the open model, at a fraction of the system's saturation throughput.
func (s *setup) tail() error {
	trials := []*trial{fights(upEco, s.up(eco), usual), fights(fourEco, s.four(eco), usual)}
	for _, t := range trials {
		full, err := s.saturation(t)
		if err != nil {
			return err
		}
		t.Rate, t.Connections, t.Floor = ofSaturation*full, 4*usual, "floor at the rate of "+t.Name
	}
	return s.series(tail, trials...)
}

// saturation returns a trial's throughput in the closed model: the median of three valid runs, from at most six
// attempts.
func (s *setup) saturation(t *trial) (float64, error) {
	if s.err != nil {
		return 0, s.err
	}
	var values []float64
	var reason string
	for range 6 {
		run, _, err := s.run(t, t.of)
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

func (s *setup) connections() error {
	up, four := s.up(eco), s.four(eco)
	var trials []*trial
	for _, n := range s.plan.Clients {
		trials = append(trials, fights(atConnections(upEco, n), up, n), fights(atConnections(fourEco, n), four, n))
	}
	return s.series(connections, trials...)
}

func atConnections(name string, n int) string {
	if n == 1 {
		return name + ", 1 connection"
	}
	return fmt.Sprintf("%s, %d connections", name, n)
}

// slowConnections returns the number of connections to use at a low rate, which is the number of iterations due in a
// tenth of a second. With so few connections, all of them are opened during the warm-up, so that no measured fight has to
// open one.
func slowConnections(rate float64) int { return max(1, int(rate/10)) }

func atRate(name string, rate float64) string { return fmt.Sprintf("%s, %g/s", name, rate) }

// instanceCounts returns, for each measurement, how many fights processes share one store.
func instanceCounts() []int { return []int{1, 2, 4} }

func instanceName(n int) string {
	if n == 1 {
		return "1 process of fights"
	}
	return fmt.Sprintf("%d processes of fights", n)
}

// loaded returns the name of the cell for n processes of the fights service, each with the usual number of connections.
func loaded(n int) string {
	if n == 1 {
		return instanceName(n)
	}
	return atConnections(instanceName(n), n*usual)
}

// instances checks the model for more than one machine: several processes of the fights service share one store and the
// same catalogs, and connections are distributed round-robin among those processes. Each number of processes is
// measured twice: with the usual number of connections per process, and with the usual number in total.
func (s *setup) instances() error {
	shared := s.add(func(of *system) error { return of.catalogs("PROFILE=" + eco) })
	var trials []*trial
	for _, n := range instanceCounts() {
		of := s.severalFights(shared, n)
		trials = append(trials, fights(loaded(n), of, n*usual))
		if n > 1 {
			trials = append(trials, fights(instanceName(n), of, usual))
		}
	}
	for _, t := range trials {
		t.Floor = floorCell(usual)
	}
	return s.series(instances, trials...)
}
