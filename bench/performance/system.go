package performance

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"superheroes/bench/measure"
	"superheroes/test/engines"
	"superheroes/test/program"
)

const (
	startPatience = 60 * time.Second
	stopPatience  = 15 * time.Second
)

// Names of the parts that have no stores beside them.
const (
	upPart    = "up"
	floorPart = "floor"
)

// part is a group of processes within a system whose CPU time is reported separately.
type part struct {
	name  string
	store bool
	pids  []int  // empty if the processes are on another host
	admin string // base URL of the admin listener; "" if there is none
}

// system is a running member of the family, or the floor server.
type system struct {
	*setup
	urls  map[measure.Service]string
	parts []part
	stops []func()
	// resets are called before each run to empty the fight store. FerretDB counts fights by reading all of them, so
	// counting would exceed the request timeout if the fights of earlier runs were kept.
	resets []func(context.Context) error

	collector *collector // of the system's spans; nil if it sends none
}

func (s *system) addPart(p part) {
	if at := slices.IndexFunc(s.parts, func(known part) bool { return known.name == p.name }); at >= 0 {
		for _, pid := range p.pids {
			if !slices.Contains(s.parts[at].pids, pid) {
				s.parts[at].pids = append(s.parts[at].pids, pid)
			}
		}
		return
	}
	s.parts = append(s.parts, p)
}

// stop shuts everything down in reverse order of start.
func (s *system) stop() {
	if s == nil {
		return
	}
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
	s.stops = nil
}

// target returns the system as a target for bench.
func (s *system) target(name string) measure.Target {
	t := measure.Target{Name: name, URLs: s.urls}
	for _, p := range s.parts {
		if p.store {
			t.StorePIDs = append(t.StorePIDs, p.pids...)
		} else {
			t.PIDs = append(t.PIDs, p.pids...)
		}
	}
	return t
}

// setup is an experiment in progress: the systems it has started, and the destination for its results.
type setup struct {
	*lab
	ctx     context.Context
	r       *Results
	started []*system

	fightSize int   // size of the response to a fight; 0 until it is known
	err       error // the first error; nothing is started or measured after it
}

func (s *setup) stop() {
	for _, each := range s.started {
		each.stop()
	}
}

func (s *setup) newSystem() *system { return &system{setup: s, urls: map[measure.Service]string{}} }

// add starts a system, unless an earlier system failed to start.
func (s *setup) add(start func(*system) error) *system {
	of := s.newSystem()
	if s.err == nil {
		s.started = append(s.started, of)
		s.err = start(of)
	}
	return of
}

// up starts every service in one process with new data, which is removed on stop.
func (s *setup) up(profile string, env ...string) *system {
	return s.add(func(of *system) error {
		folder, err := os.MkdirTemp(s.dir, "data-")
		if err != nil {
			return err
		}
		of.stops = append(of.stops, func() { _ = os.RemoveAll(folder) }) // if that fails, closing the lab removes the folder
		return of.up(profile, folder, env...)
	})
}

// four starts each service in a separate process, on the real database servers.
func (s *setup) four(profile string, env ...string) *system {
	return s.separate(profile, env, func(of *system, env []string) error {
		url, err := of.fightStore()
		if err != nil {
			return err
		}
		return of.alone(measure.Fights, append(env, "MONGODB_URL="+url))
	})
}

// storeless starts each service in a separate process, with a fights process that stores nothing (see stub.go). Such a
// system is not a member of the family; it only shows the cost of the work excluding the store.
func (s *setup) storeless(profile string, env ...string) *system {
	return s.separate(profile, env, func(of *system, env []string) error {
		return of.alone(measure.Fights, env, s.self, "stub", slackFlag)
	})
}

// separate starts each catalog in a separate process. To start the fights process, it calls the function fights with
// the addresses of the catalogs.
func (s *setup) separate(profile string, env []string, fights func(of *system, env []string) error) *system {
	return s.add(func(of *system) error {
		env := append(env, "PROFILE="+profile)
		if err := of.catalogs(env...); err != nil {
			return err
		}
		return fights(of, append(env, of.peers()...))
	})
}

// heroes starts one heroes service on a database filled by fill; if fill is nil, the database has the shipped roster.
func (s *setup) heroes(profile string, fill func(url string) error, env ...string) *system {
	return s.add(func(of *system) error {
		url, _, err := of.database(engines.PostgresURL, "PostgreSQL")
		if err != nil {
			return err
		}
		if fill != nil {
			if err := fill(url); err != nil {
				return err
			}
		}
		return of.alone(measure.Heroes, append([]string{"PROFILE=" + profile, "DATABASE_URL=" + url}, env...))
	})
}

// up starts every service in one process, with its SQLite files in the folder.
func (s *system) up(profile, folder string, more ...string) error {
	env, err := s.upSettings(profile, folder)
	if err != nil {
		return err
	}
	p, err := s.launch(upPart, append(env, more...), s.program, "up")
	if err != nil {
		return err
	}
	return s.ready(p, measure.Fights)
}

// upSettings assigns an address to each service, records it in the system, and returns the settings for `up`.
func (s *system) upSettings(profile, folder string) ([]string, error) {
	urls, env, err := program.FreeUp()
	for _, service := range measure.Services() {
		s.urls[service] = urls[string(service)]
	}
	return append(env, "DATA_DIR="+folder, "PROFILE="+profile), err
}

// launch starts a process and adds it to the parts of the system.
func (s *system) launch(name string, env []string, line ...string) (*program.Process, error) {
	p, err := program.Start(exec.Command(line[0], line[1:]...), env) //nolint:noctx // stop shuts it down cleanly
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() { _ = p.Stop(stopPatience) })
	s.addPart(part{name: name, pids: []int{p.Pid()}, admin: adminOf(env)})
	return p, nil
}

// adminOf returns the base URL of the admin listener of a process with the given settings, or "" if it has none.
func adminOf(env []string) string {
	for _, setting := range slices.Backward(env) { // the last one counts
		if addr, found := strings.CutPrefix(setting, "ADMIN_ADDR="); found {
			if addr == "off" {
				return ""
			}
			return "http://" + addr
		}
	}
	return ""
}

// ready waits until a service of the system is ready.
func (s *system) ready(p *program.Process, service measure.Service) error {
	ctx, cancel := context.WithTimeout(s.ctx, startPatience)
	defer cancel()
	return p.Ready(ctx, s.urls[service]+"/readyz")
}

// alone starts one service in a separate process, with the settings from compose.yml unless env overrides them.
func (s *system) alone(service measure.Service, env []string, line ...string) error {
	addr, err := program.FreeAddr()
	if err != nil {
		return err
	}
	if len(line) == 0 {
		line = []string{s.program, string(service)}
	}
	admin, err := program.FreeAddr()
	if err != nil {
		return err
	}
	s.urls[service] = "http://" + addr
	settings := []string{"ADDR=" + addr, "ADMIN_ADDR=" + admin, "DRAIN_DELAY=0s", "STORE_WAIT=2m", oneCore, timerSlack}
	p, err := s.launch(string(service), append(settings, env...), line...)
	if err != nil {
		return err
	}
	return s.ready(p, service)
}

// floor starts the bare handler that all targets are compared with. Its responses have the given size. If it is
// limited, it has one core and the timer slack of a service in a separate process.
func (s *system) floor(size int, limited bool) error {
	command := exec.Command(s.self, "floor", strconv.Itoa(size)) //nolint:noctx // Stop stops it
	command.Env = program.Environment()
	if limited {
		command.Args, command.Env = append(command.Args, slackFlag), append(command.Env, oneCore)
	}
	floor, err := measure.StartFloor(command)
	if err != nil {
		return err
	}
	s.urls, s.stops = floor.Target.URLs, append(s.stops, floor.Stop)
	s.addPart(part{name: floorPart, pids: floor.Target.PIDs})
	return nil
}

// catalogs starts the heroes and villains services on PostgreSQL and the locations service on MariaDB, each in a
// separate process.
func (s *system) catalogs(env ...string) error {
	for _, c := range []struct {
		service          measure.Service
		engine, variable string
		name             string
	}{
		{measure.Heroes, engines.PostgresURL, "DATABASE_URL", "PostgreSQL"},
		{measure.Villains, engines.PostgresURL, "DATABASE_URL", "PostgreSQL"},
		{measure.Locations, engines.MySQLURL, "MYSQL_URL", "MariaDB"},
	} {
		url, _, err := s.database(c.engine, c.name)
		if err != nil {
			return err
		}
		if err := s.alone(c.service, append([]string{c.variable + "=" + url}, env...)); err != nil {
			return err
		}
	}
	return nil
}

// peers returns the environment variables that tell the fights service the URLs of the catalogs.
func (s *system) peers() []string {
	return []string{
		"HEROES_URL=" + s.urls[measure.Heroes], "VILLAINS_URL=" + s.urls[measure.Villains],
		"LOCATIONS_URL=" + s.urls[measure.Locations],
	}
}

// fightStore creates the database for fights.
func (s *system) fightStore() (url string, err error) {
	url, drop, err := s.database(engines.MongoDBURL, mongoName)
	if err == nil {
		s.resets = append(s.resets, drop) // the server recreates the database when the next fight is stored
	}
	return url, err
}

// mongoName is the name of the part for the server that speaks the MongoDB protocol.
const mongoName = "MongoDB's place"
