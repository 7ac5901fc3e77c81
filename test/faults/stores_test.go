package faults

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/fakepeer"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// engine describes a kind of store, and the service that is tested with it.
type engine struct {
	name, service string
	variable      string // environment variable that sets the URL of the service's store
	word          string // name of the engine in /readyz
	serve         func(testing.TB) *engines.Server
	requests      []request
}

type request struct{ method, path, body string }

// through starts a proxy in front of a store, and returns the proxy and the store's URL through the proxy.
func through(t *testing.T, store string, relays tcpproxy.Relays) (*tcpproxy.Proxy, string) {
	t.Helper()
	location, err := url.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	proxy := tcpproxy.Start(t, location.Host, relays)
	location.Host = proxy.Addr()
	return proxy, location.String()
}

func reads(paths ...string) []request {
	requests := make([]request, len(paths))
	for i, path := range paths {
		requests[i] = request{http.MethodGet, path, ""}
	}
	return requests
}

func kinds() []engine {
	catalog := func(path, random string) []request {
		return reads(path, path+"?limit=5&name=a", path+"/1", path+random, path+"/1/picture.svg")
	}
	return []engine{
		{
			name: "PostgreSQL", service: "heroes", variable: "DATABASE_URL", word: "postgresql",
			serve: engines.PostgresServer, requests: catalog("/api/heroes", "/random_hero"),
		},
		{
			name: "MariaDB", service: "locations", variable: "MYSQL_URL", word: "mysql",
			serve: engines.MySQLServer, requests: catalog("/api/locations", "/random_location"),
		},
		{
			name: "MongoDB", service: "fights", variable: "MONGODB_URL", word: "mongodb", serve: engines.MongoDBServer,
			requests: append(reads("/api/fights", "/api/fights/count", execute), request{http.MethodPost, "/api/fights", fightBody}),
		},
	}
}

func storeTests() tests {
	all := tests{
		"stores unreachable at startup":  testStoresThatAreNotThere,
		"stop while waiting for a store": testStopWhileWaiting,
	}
	for _, e := range kinds() {
		all[e.name+" that goes away"] = e.testGoesAway
	}
	return all
}

// password returns the password contained in a store's URL. The password must not appear in responses or logs.
func password(t *testing.T, store string) string {
	t.Helper()
	location, err := url.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := location.User.Password()
	return secret
}

// inMemory is how long the eco profile may pick from rows in memory.
const inMemory = time.Second

// wantAway checks that a service whose store is unavailable is live but not ready, and responds with 503.
func (e engine) wantAway(t *testing.T, s service, secret string) {
	t.Helper()
	time.Sleep(inMemory)
	wantOK(t, s.url+"/livez")
	wantUnready(t, s.url, e.word)
	get(t, s.url+"/healthz").want(t, http.StatusServiceUnavailable)
	for _, r := range e.requests {
		got := ask(t, r.method, s.url+r.path, r.body)
		t.Logf("%s %s: status %d after %s", r.method, r.path, got.status, got.took.Round(time.Millisecond))
		got.wantProblem(t, http.StatusServiceUnavailable, "store")
		if secret != "" && strings.Contains(got.body, secret) {
			t.Errorf("%s reveals the password: %s", r.path, got.body)
		}
	}
	if secret != "" && strings.Contains(s.Stderr.String(), secret) {
		t.Errorf("the log reveals the password:\n%s", s.Stderr.String())
	}
}

// wantBack waits until the service is ready and all its requests succeed.
func (e engine) wantBack(t *testing.T, s service) {
	t.Helper()
	awaitOK(t, s.url+"/readyz")
	for _, r := range e.requests {
		await.True(t, r.path+" succeeds again", func() bool { return ask(t, r.method, s.url+r.path, r.body).status == http.StatusOK })
	}
}

func (e engine) testGoesAway(t *testing.T, program string) {
	server := e.serve(t)
	proxy, store := through(t, server.Database(t), tcpproxy.All)
	secret := password(t, store)
	env := append(newCatalogs(t).env(), e.variable+"="+store)
	s := start(t, program, e.service, env, "--deadline=1s")
	s.Ready(t, s.url+"/readyz")
	e.wantBack(t, s)

	t.Run("stopped", func(t *testing.T) {
		server.Stop(t)
		e.wantAway(t, s, secret)
		server.Start(t)
		e.wantBack(t, s)
	})
	t.Run("hung", func(t *testing.T) {
		proxy.Become(tcpproxy.Hangs)
		e.wantAway(t, s, secret)
		proxy.Become(tcpproxy.Passes)
		e.wantBack(t, s)
	})
	t.Run("the service stops while the store hangs", func(t *testing.T) {
		proxy.Become(tcpproxy.Hangs)
		stop(t, s.Process)
		proxy.Become(tcpproxy.Passes)
	})
	if e.service == "heroes" {
		t.Run("all in one process", func(t *testing.T) { testUpWithoutItsHeroes(t, program, store, server, proxy) })
	}
	t.Run("the service starts before the store", func(t *testing.T) {
		server.Stop(t)
		s := start(t, program, e.service, env, "--store-wait=1m")
		s.lives(t)
		wantUnready(t, s.url, "starting")
		server.Start(t)
		s.Ready(t, s.url+"/readyz")
		e.wantBack(t, s)
		wantLog(t, &s.Stderr)
	})
}

// testUpWithoutItsHeroes runs all services in a single process, where the fights service calls the catalog services
// directly. If the store of the heroes service is unavailable, heroes must fail in the same way as a remote peer.
func testUpWithoutItsHeroes(t *testing.T, program, store string, server *engines.Server, proxy *tcpproxy.Proxy) {
	s, env := system.FreeUp(t)
	up := system.Start(t, program, append(env, "DATA_DIR="+t.TempDir(), "HEROES_DATABASE_URL="+store), "up", "--deadline=1s")
	up.Ready(t, s.Fights+"/readyz")
	want := func(status int) {
		t.Helper()
		time.Sleep(inMemory)
		for _, path := range []string{execute, "/api/fights/randomfighters"} {
			get(t, s.Fights+path).wantProblem(t, status, "heroes")
		}
		wantOK(t, s.Fights+"/api/fights/randomlocation")
		wantUnready(t, s.Heroes, "postgresql")
		wantOK(t, s.Fights+"/readyz")
	}
	fought := func() bool { return get(t, s.Fights+execute).status == http.StatusOK }
	await.True(t, "a fight succeeds", fought)
	server.Stop(t)
	want(http.StatusBadGateway)
	server.Start(t)
	await.True(t, "a fight succeeds again", fought)
	proxy.Become(tcpproxy.Hangs)
	want(http.StatusGatewayTimeout)
	proxy.Become(tcpproxy.Passes)
	await.True(t, "a fight succeeds again", fought)
}

// absent returns a setting for each service: the URL, including a password, of a store that doesn't exist.
func absent(place string) map[string]string {
	return map[string]string{
		"heroes":    "DATABASE_URL=postgres://superman:kryptonite@" + place + "/heroes_database",
		"villains":  "DATABASE_URL=postgres://superman:kryptonite@" + place + "/villains_database",
		"locations": "MYSQL_URL=mysql://locations:kryptonite@" + place + "/locations_database",
		"fights":    "MONGODB_URL=mongodb://superfight:kryptonite@" + place + "/fights",
	}
}

// wantOneLine waits until a service exits with code 1, and checks that the service printed a single line, which names
// the given place and cause, but doesn't contain the password.
func wantOneLine(t *testing.T, p *system.Process, place, cause string) {
	t.Helper()
	if code := p.Wait(t, hang); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	text := p.Stderr.String()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("the service did not print exactly one line:\n%s", text)
	}
	for _, part := range []string{regexp.QuoteMeta(place), cause} {
		if !regexp.MustCompile(part).MatchString(text) {
			t.Errorf("%q is missing from the message %q", part, text)
		}
	}
	if strings.Contains(text, "kryptonite") {
		t.Errorf("the message contains the password: %q", text)
	}
}

func testStoresThatAreNotThere(t *testing.T, program string) {
	refused, swallowed := system.FreeAddr(t), strings.TrimPrefix(fakepeer.BlackHole(t), "http://")
	for _, test := range []struct{ name, place, cause string }{
		{"refused", refused, "connection refused"},
		{"black hole", swallowed, "deadline exceeded|timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			waiting := map[string]service{}
			for name, setting := range absent(test.place) {
				waiting[name] = start(t, program, name, []string{setting}, "--store-wait=4s")
			}
			for name, s := range waiting {
				t.Run(name, func(t *testing.T) {
					wantOneLine(t, s.Process, test.place, test.cause)
				})
			}
		})
	}
	t.Run("all in one process", func(t *testing.T) {
		_, env := system.FreeUp(t)
		env = append(env, "DATA_DIR="+t.TempDir(), "VILLAINS_"+absent(refused)["villains"])
		wantOneLine(t, system.Start(t, program, env, "up", "--villains-store-wait=2s"), refused, "connection refused")
	})
}

func testStopWhileWaiting(t *testing.T, program string) {
	for name, setting := range absent(system.FreeAddr(t)) {
		t.Run(name, func(t *testing.T) {
			s := start(t, program, name, []string{setting}, "--store-wait=10m")
			s.lives(t)
			wantUnready(t, s.url, "starting")
			stop(t, s.Process)
			wantLog(t, &s.Stderr)
		})
	}
}
