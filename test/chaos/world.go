package main

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"superheroes/test/smalldisk"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// world is a running system, with everything needed to break and check it. Its methods must be called on the test's
// own goroutine, because only that goroutine's child processes see the small disk.
type world struct {
	*testing.T
	program   string
	dir       string // data folder of the embedded store
	processes map[string]*process
	links     map[string]*tcpproxy.Proxy // network connections that can be broken
	heroes    string                     // base URLs
	fights    []string                   // base URL of each fights process
	counts    []string                   // base URL of each statistics process
	store     string                     // URL of the fights store, if the store is a server
	usage     Usage                      // resource usage of processes that are no longer running
	clients   *clients
	filler    string // the file that fills the disk
	saved     []byte // original bytes of the damaged log
	hours     int    // hours by which the stored ids are ahead of the current time
}

// process is a program that can be stopped, and restarted at the same address.
type process struct {
	args, env []string
	ready     []string        // URLs that return 200 when the process is ready
	running   *system.Process // nil while no process is running
}

// newWorld starts the system and waits until it is ready.
func newWorld(t *testing.T, program string, s System, rows int) *world {
	t.Helper()
	w := &world{T: t, program: program, processes: map[string]*process{}, links: map[string]*tcpproxy.Proxy{}}
	if s.Separate {
		w.separate(s)
	} else {
		w.together(s, rows)
	}
	for _, name := range w.names() {
		w.do(Event{Do: start, On: name})
	}
	w.awaitReady()
	return w
}

// names returns the names of the processes, in a fixed order.
func (w *world) names() []string { return slices.Sorted(maps.Keys(w.processes)) }

// together prepares a single process for all services.
func (w *world) together(s System, rows int) {
	w.dir = w.TempDir()
	if s.SmallDisk {
		w.dir = smalldisk.Mount(w.T, "64m")
	}
	if s.Big {
		seed := system.Start(w, w.program, nil, "seed", "heroes", "--count="+strconv.Itoa(rows), "--data-dir="+w.dir)
		if code := seed.Wait(w, startPatience); code != 0 {
			w.Fatalf("generating heroes: %s", seed.Stderr.String())
		}
	}
	at, env := system.FreeUp(w)
	w.heroes, w.fights, w.counts = at.Heroes, []string{at.Fights}, []string{at.Statistics}
	w.processes["up"] = &process{
		args:  append([]string{"up"}, s.Args...),
		env:   append(env, "DATA_DIR="+w.dir),
		ready: []string{at.Heroes + "/readyz", at.Villains + "/readyz", at.Locations + "/readyz", at.Fights + "/readyz", at.Statistics + "/readyz"},
	}
}

// separate prepares one process per service, with proxied links to the stores and from fights to heroes.
func (w *world) separate(s System) {
	stores := system.RealStores(w)
	stores.Heroes, stores.Villains = w.through("PostgreSQL", stores.Heroes), w.through("PostgreSQL", stores.Villains)
	w.store = stores.Fights
	stores.Fights = w.through("MongoDB", stores.Fights)
	w.heroes = w.service(s, "heroes", "heroes", "DATABASE_URL="+stores.Heroes)
	peers := []string{
		"HEROES_URL=" + w.through("heroes", w.heroes),
		"VILLAINS_URL=" + w.service(s, "villains", "villains", "DATABASE_URL="+stores.Villains),
		"LOCATIONS_URL=" + w.service(s, "locations", "locations", "MYSQL_URL="+w.through("MariaDB", stores.Locations)),
	}
	for n := range max(s.Fights, 1) {
		w.fights = append(w.fights, w.service(s, "fights", "fights-"+strconv.Itoa(n+1), append(peers, "MONGODB_URL="+stores.Fights)...))
	}
	for n := range max(s.Statistics, 1) {
		w.counts = append(w.counts, w.service(s, "statistics", "statistics-"+strconv.Itoa(n+1), "MONGODB_URL="+stores.Fights))
	}
}

// service prepares a process that runs one service, and returns the service's base URL.
func (w *world) service(s System, command, name string, env ...string) string {
	addr := system.FreeAddr(w)
	base := "http://" + addr
	w.processes[name] = &process{
		args:  append([]string{command}, s.Args...),
		env:   append(slices.Clone(env), "ADDR="+addr, "DRAIN_DELAY=0s", "STORE_WAIT=2m"),
		ready: []string{base + "/readyz"},
	}
	return base
}

// through returns the given URL with the server's address replaced by that of the named link, a proxy that the test can
// cut.
func (w *world) through(name, address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		w.Fatal("parsing a store's URL failed") // omits err, because its text may contain a password
	}
	if w.links[name] == nil {
		w.links[name] = tcpproxy.Start(w, parsed.Host, tcpproxy.All)
	}
	parsed.Host = w.links[name].Addr()
	return parsed.String()
}

// awaitReady waits until every process is ready.
func (w *world) awaitReady() {
	for _, name := range w.names() {
		p := w.processes[name]
		for _, url := range p.ready {
			p.running.Ready(w, url)
		}
	}
}

// now returns the current resource usage of all processes.
func (w *world) now() (all Usage) {
	for _, p := range w.processes {
		if p.running != nil {
			all.add(p.running.Pid())
			all.Goroutines += goroutines(w, p.running)
		}
	}
	return all
}

// fightsFile returns the path of the database file in which `up` stores fights.
func (w *world) fightsFile() string { return filepath.Join(w.dir, "fights.db") }
