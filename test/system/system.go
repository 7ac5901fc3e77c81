package system

import (
	"strings"
	"testing"

	"superheroes/test/engines"
	"superheroes/test/program"
)

// AdminToken is the administrator token for all services in a System.
const AdminToken = "open sesame, 41!"

// patience is a setting that makes services wait a long time for a store, which may be busy with other tests.
const patience = "STORE_WAIT=2m"

// System contains the running services, in one process or in several.
type System struct {
	Heroes, Villains, Locations, Fights string            // base URLs, such as http://127.0.0.1:8001
	Statistics                          string            // base URL of statistics; "" if it wasn't started
	Arena                               string            // base URL of the battle page; "" if it wasn't started
	Admin                               string            // base URL of the admin listener of a single process; otherwise ""
	Admins                              map[string]string // the same for each of several processes, by service
	Processes                           map[string]*Process
}

// URL returns the base URL of the named service.
func (s *System) URL(service string) string {
	return map[string]string{"heroes": s.Heroes, "villains": s.Villains, "locations": s.Locations, "fights": s.Fights, "statistics": s.Statistics}[service]
}

// FreeUp assigns unused ports to all services of a single process. FreeUp returns a system with the services' base
// URLs, and the environment variables that set the addresses. It doesn't start anything.
func FreeUp(tb testing.TB) (s *System, env []string) {
	tb.Helper()
	urls, env, err := program.FreeUp()
	if err != nil {
		tb.Fatal(err)
	}
	admin := ""
	for _, variable := range env {
		if addr, found := strings.CutPrefix(variable, "ADMIN_ADDR="); found {
			admin = "http://" + addr
		}
	}
	return &System{
		Heroes: urls["heroes"], Villains: urls["villains"], Locations: urls["locations"], Fights: urls["fights"],
		Statistics: urls["statistics"], Arena: urls["arena"], Admin: admin,
	}, env
}

// Up starts all services in one process, on the embedded store in dir, with additional arguments.
func Up(tb testing.TB, program, dir string, args ...string) *System {
	tb.Helper()
	return UpWith(tb, program, dir, nil, args...)
}

// UpWith is like Up, with additional environment variables.
func UpWith(tb testing.TB, program, dir string, further []string, args ...string) *System {
	tb.Helper()
	s, env := FreeUp(tb)
	env = append(env, further...)
	up := Start(tb, program, append(env, "DATA_DIR="+dir, "ADMIN_TOKEN="+AdminToken), append([]string{"up"}, args...)...)
	for _, base := range []string{s.Heroes, s.Villains, s.Locations, s.Fights} {
		up.Ready(tb, base+"/readyz")
	}
	s.Processes = map[string]*Process{"heroes": up, "villains": up, "locations": up, "fights": up, "statistics": up, "arena": up}
	return s
}

// Stores contains the store URLs of the four services.
type Stores struct{ Heroes, Villains, Locations, Fights string }

// RealStores creates empty databases on real database servers and returns the databases' URLs. RealStores skips the
// test if a server is missing.
func RealStores(tb testing.TB) Stores {
	tb.Helper()
	return Stores{engines.Postgres(tb), engines.Postgres(tb), engines.MySQL(tb), engines.MongoDB(tb)}
}

// Four starts each service in its own process, with additional arguments for all of them.
func Four(tb testing.TB, program string, stores Stores, args ...string) *System {
	tb.Helper()
	return FourWith(tb, program, stores, nil, args...)
}

// FourWith is like Four, with additional environment variables.
func FourWith(tb testing.TB, program string, stores Stores, further []string, args ...string) *System {
	tb.Helper()
	s := &System{Processes: map[string]*Process{}, Admins: map[string]string{}}
	start := func(service, variable, store string, env ...string) string {
		addr, admin := FreeAddr(tb), FreeAddr(tb)
		s.Admins[service] = "http://" + admin
		env = append(env, "ADDR="+addr, "ADMIN_ADDR="+admin, variable+"="+store, "DRAIN_DELAY=0s", "ADMIN_TOKEN="+AdminToken, patience)
		env = append(env, further...)
		p := Start(tb, program, env, append([]string{service}, args...)...)
		s.Processes[service] = p
		return "http://" + addr
	}
	s.Heroes = start("heroes", "DATABASE_URL", stores.Heroes)
	s.Villains = start("villains", "DATABASE_URL", stores.Villains)
	s.Locations = start("locations", "MYSQL_URL", stores.Locations)
	s.Fights = start("fights", "MONGODB_URL", stores.Fights,
		"HEROES_URL="+s.Heroes, "VILLAINS_URL="+s.Villains, "LOCATIONS_URL="+s.Locations+"/") // a trailing slash is accepted
	for service, p := range s.Processes {
		p.Ready(tb, s.URL(service)+"/readyz")
	}
	return s
}

// StartArena starts the battle page in its own process, in front of s's services.
func (s *System) StartArena(tb testing.TB, program string, env ...string) {
	tb.Helper()
	addr := FreeAddr(tb)
	s.Arena = "http://" + addr
	env = append([]string{"ADDR=" + addr, "HEROES_URL=" + s.Heroes, "VILLAINS_URL=" + s.Villains,
		"LOCATIONS_URL=" + s.Locations, "FIGHTS_URL=" + s.Fights, "DRAIN_DELAY=0s"}, env...)
	if s.Statistics != "" {
		env = append(env, "STATISTICS_URL="+s.Statistics)
	}
	s.Processes["arena"] = Start(tb, program, env, "arena")
	s.Processes["arena"].Ready(tb, s.Arena+"/readyz")
}

// StatisticsOf starts the statistics service for the fights in a store, and returns the process and the service's base
// URL.
func StatisticsOf(tb testing.TB, program, fights string, args ...string) (*Process, string) {
	tb.Helper()
	addr := FreeAddr(tb)
	p := Start(tb, program, []string{"ADDR=" + addr, "MONGODB_URL=" + fights, "DRAIN_DELAY=0s", patience}, append([]string{"statistics"}, args...)...)
	p.Ready(tb, "http://"+addr+"/readyz")
	return p, "http://" + addr
}

// Each runs test in two modes: with one process on the embedded store, and with four processes on real database
// servers. All processes get the given additional arguments.
func Each(t *testing.T, test func(t *testing.T, s *System), args ...string) {
	t.Helper()
	program := Build(t)
	t.Run("one process on SQLite", func(t *testing.T) { test(t, Up(t, program, t.TempDir(), args...)) })
	t.Run("four processes on database servers", func(t *testing.T) { test(t, Four(t, program, RealStores(t), args...)) })
}
