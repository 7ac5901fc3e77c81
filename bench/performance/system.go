package performance

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"superheroes/bench/measure"
	"superheroes/test/engines"
	"superheroes/test/program"
)

const (
	startPatience = 60 * time.Second
	stopPatience  = 15 * time.Second
)

// part is a group of processes of a system, whose CPU time is reported separately.
type part struct {
	name  string
	store bool
	pids  []int // empty if they are on another host
}

// system is a running member of the family, or the floor.
type system struct {
	urls  map[measure.Service]string
	parts []part
	stops []func()
	// resets empty its fight store before each run. FerretDB reads every fight to count them, so with the fights of earlier
	// runs, counting would exceed the request timeout.
	resets []func(context.Context) error
}

func (s *system) add(p part) {
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

// newSystem calls start to start a system. If that fails, it stops whatever was started.
func newSystem(start func(*system) error) (*system, error) {
	s := &system{urls: map[measure.Service]string{}}
	if err := start(s); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// up starts every service in one process, on SQLite in the folder. If folder is "", it uses a new one, which is removed on stop.
func (l *lab) up(ctx context.Context, profile, folder string, more ...string) (*system, error) {
	return newSystem(func(s *system) error {
		if folder == "" {
			var err error
			if folder, err = os.MkdirTemp(l.dir, "data-"); err != nil {
				return err
			}
			s.stops = append(s.stops, func() { _ = os.RemoveAll(folder) }) // otherwise removed with the lab
		}
		env, err := s.upSettings(profile, folder)
		if err != nil {
			return err
		}
		p, err := s.launch("up", append(env, more...), l.program, "up")
		if err != nil {
			return err
		}
		return s.ready(ctx, p, measure.Fights)
	})
}

// upSettings assigns an address to each service, records it in the system, and returns the settings for `up`.
func (s *system) upSettings(profile, folder string) ([]string, error) {
	urls, env, err := program.FreeUp()
	for _, service := range measure.Services() {
		s.urls[service] = urls[string(service)]
	}
	return append(env, "DATA_DIR="+folder, "PROFILE="+profile), err
}

// launch starts a process as a part of the system.
func (s *system) launch(name string, env []string, line ...string) (*program.Process, error) {
	p, err := program.Start(exec.Command(line[0], line[1:]...), env) //nolint:noctx // stop shuts it down cleanly
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() { _ = p.Stop(stopPatience) })
	s.add(part{name: name, pids: []int{p.Pid()}})
	return p, nil
}

// ready waits until a service of the system is ready.
func (s *system) ready(ctx context.Context, p *program.Process, service measure.Service) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return p.Ready(ctx, s.urls[service]+"/readyz")
}

// alone starts one service in a separate process, with GOMAXPROCS=1 as in compose.yml unless env says otherwise.
func (l *lab) alone(ctx context.Context, s *system, service measure.Service, env []string, line ...string) error {
	addr, err := program.FreeAddr()
	if err != nil {
		return err
	}
	if len(line) == 0 {
		line = []string{l.program, string(service)}
	}
	s.urls[service] = "http://" + addr
	p, err := s.launch(string(service), append([]string{"ADDR=" + addr, "DRAIN_DELAY=0s", oneCore}, env...), line...)
	if err != nil {
		return err
	}
	return s.ready(ctx, p, service)
}

// floor starts the bare handler that everything is compared with, with responses of the given size.
func (l *lab) floor(size int) (*system, error) {
	command := exec.Command(l.self, "floor", strconv.Itoa(size)) //nolint:noctx // Stop stops it
	command.Env = program.Environment()
	floor, err := measure.StartFloor(command)
	if err != nil {
		return nil, err
	}
	s := &system{urls: floor.Target.URLs, stops: []func(){floor.Stop}}
	s.add(part{name: "floor", pids: floor.Target.PIDs})
	return s, nil
}

// catalogs starts heroes and villains on PostgreSQL and locations on MariaDB, each in a separate process.
func (l *lab) catalogs(ctx context.Context, s *system, env ...string) error {
	for _, c := range []struct {
		service          measure.Service
		engine, variable string
		name             string
	}{
		{measure.Heroes, engines.PostgresURL, "DATABASE_URL", "PostgreSQL"},
		{measure.Villains, engines.PostgresURL, "DATABASE_URL", "PostgreSQL"},
		{measure.Locations, engines.MySQLURL, "MYSQL_URL", "MariaDB"},
	} {
		url, server, err := l.database(ctx, c.engine, c.name)
		if err != nil {
			return err
		}
		s.add(server)
		if err := l.alone(ctx, s, c.service, append([]string{c.variable + "=" + url}, env...)); err != nil {
			return err
		}
	}
	return nil
}

// peers returns the variables that configure fights with the URLs of the catalogs.
func (s *system) peers() []string {
	return []string{"HEROES_URL=" + s.urls[measure.Heroes], "VILLAINS_URL=" + s.urls[measure.Villains], "LOCATIONS_URL=" + s.urls[measure.Locations]}
}

// four starts each service in a separate process, on the real engines.
func (l *lab) four(ctx context.Context, profile string, env ...string) (*system, error) {
	env = append(env, "PROFILE="+profile)
	return newSystem(func(s *system) error {
		if err := l.catalogs(ctx, s, env...); err != nil {
			return err
		}
		url, err := l.fightStore(ctx, s)
		if err != nil {
			return err
		}
		return l.alone(ctx, s, measure.Fights, slices.Concat(env, s.peers(), []string{"MONGODB_URL=" + url}))
	})
}

// fightStore creates the database for fights.
func (l *lab) fightStore(ctx context.Context, s *system) (url string, err error) {
	url, drop, server, err := l.create(ctx, engines.MongoDBURL, mongoName)
	if err != nil {
		return "", err
	}
	s.add(server)
	s.resets = append(s.resets, drop) // the server recreates it with the next fight
	return url, nil
}

// mongoName is the name of the part for the server that speaks the MongoDB protocol.
const mongoName = "MongoDB's place"

// storeless starts the same with a fights process that stores nothing (see stub.go). It is not a member of the family; it only
// shows the cost of the work excluding the store.
func (l *lab) storeless(ctx context.Context, profile string, env ...string) (*system, error) {
	env = append(env, "PROFILE="+profile)
	return newSystem(func(s *system) error {
		if err := l.catalogs(ctx, s, env...); err != nil {
			return err
		}
		return l.alone(ctx, s, measure.Fights, slices.Concat(env, s.peers()), l.self, "stub")
	})
}

// heroes starts one heroes service on a database filled by fill; if fill is nil, it has the shipped roster.
func (l *lab) heroes(ctx context.Context, profile string, fill func(ctx context.Context, url string) error, env ...string) (*system, error) {
	return newSystem(func(s *system) error {
		url, server, err := l.database(ctx, engines.PostgresURL, "PostgreSQL")
		if err != nil {
			return err
		}
		s.add(server)
		if fill != nil {
			if err := fill(ctx, url); err != nil {
				return err
			}
		}
		return l.alone(ctx, s, measure.Heroes, append([]string{"PROFILE=" + profile, "DATABASE_URL=" + url}, env...))
	})
}
