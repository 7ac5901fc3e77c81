package faults

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/tcpproxy"
)

// mariaDBPool is the maximum number of connections that the locations service opens to MariaDB.
const mariaDBPool = 10

// wave sends the given number of concurrent requests to each path, and returns the number of responses by status.
func wave(t *testing.T, times int, paths []string, header ...string) map[int]int {
	t.Helper()
	var group sync.WaitGroup
	var statuses counts
	for range times {
		for _, path := range paths {
			group.Go(func() { statuses.add(ask(t, http.MethodGet, path, "", header...).status) })
		}
	}
	group.Wait()
	return statuses.of
}

// reads returns one URL for each kind of read request.
func (s service) reads() []string {
	base := s.url + "/api/locations"
	return []string{base + "/1", base, base + "?limit=5", base + "/random", base + "/1/picture.svg"}
}

// readsAndHealth returns the URLs of all kinds of read requests and of the readiness check.
func (s service) readsAndHealth() []string { return append(s.reads(), s.url+"/readyz") }

// testHastyClients checks that while the store is slow, impatient clients don't use up the connections that patient
// clients need.
func testHastyClients(t *testing.T, program string) {
	db := newMariaDB(t, engines.MySQL(t))
	proxy, store := through(t, db.store, tcpproxy.All)
	proxy.Delay(10 * time.Millisecond)
	db.store = store
	s := db.start(t, program, "--deadline=10s")
	s.Ready(t, s.url+"/readyz")
	wave(t, 4, s.readsAndHealth()) // opens all connections in the pool
	for range 5 {
		statuses := wave(t, 10, s.readsAndHealth(), "X-Request-Timeout-Ms", "3")
		if statuses[http.StatusServiceUnavailable] == 0 {
			t.Errorf("no impatient client timed out: %v", statuses)
		}
		if patient := wave(t, 1, s.readsAndHealth()); patient[http.StatusOK] != len(s.readsAndHealth()) {
			t.Errorf("responses to patient clients, by status: %v", patient)
		}
	}
	// If hasty clients cost connections, there would be hundreds. A readiness check that takes too long may cost one.
	if n := proxy.Opened(); n > 2*mariaDBPool {
		t.Errorf("locations opened %d connections, want at most %d", n, 2*mariaDBPool)
	}
}

// testHungMariaDB checks that clients that have given up while the store hangs don't occupy connections that later
// clients need.
func testHungMariaDB(t *testing.T, program, profile string) {
	db := newMariaDB(t, engines.MySQL(t))
	proxy, store := through(t, db.store, tcpproxy.All)
	db.store = store
	s := db.start(t, program, "--profile="+profile, "--deadline=2s")
	s.Ready(t, s.url+"/readyz")
	wave(t, 4, s.readsAndHealth())
	before := proxy.Opened()
	proxy.Become(tcpproxy.Hangs)
	const waves = 3 // 6 s
	for range waves {
		wave(t, 20, s.readsAndHealth())
	}
	opened := proxy.Opened() - before
	proxy.Become(tcpproxy.Passes)
	refused, each := 0, 2*len(s.readsAndHealth())
	for range 10 {
		refused += each - wave(t, 2, s.readsAndHealth())[http.StatusOK]
	}
	if refused > each {
		t.Errorf("%d requests were refused after the store had recovered", refused)
	}
	if opened > mariaDBPool*(waves+1) {
		t.Errorf("locations opened %d connections while the store hung", opened)
	}
}

// testLockedMariaDB checks that waiting for a lock times out both in the service and on the database server.
func testLockedMariaDB(t *testing.T, program string) {
	db := newMariaDB(t, engines.MySQL(t))
	s := db.start(t, program)
	s.Ready(t, s.url+"/readyz")
	const threads = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{user}'"
	check := func() {
		t.Helper()
		// A thread on the database server can keep waiting for a lock for up to a second after the request's deadline.
		// On a busy machine, threads of the previous wave of requests may still be there, too.
		if n := db.number(t, threads); n > 3*mariaDBPool {
			t.Errorf("the service has %d threads on the server, want at most %d", n, 3*mariaDBPool)
		}
		await.True(t, "no thread is waiting", func() bool { return db.number(t, threads+" AND command <> 'Sleep'") == 0 })
	}

	db.exec(t, "LOCK TABLES locations WRITE")
	for range 4 {
		if statuses := wave(t, 10, s.readsAndHealth()); statuses[http.StatusServiceUnavailable] != 10*len(s.readsAndHealth()) {
			t.Errorf("responses to reads of a locked table, by status: %v", statuses)
		}
	}
	check()
	db.exec(t, "UNLOCK TABLES")
	await.True(t, "reads succeed again", func() bool { return wave(t, 1, s.readsAndHealth())[http.StatusOK] == len(s.readsAndHealth()) })

	db.exec(t, "BEGIN", "SELECT * FROM locations WHERE id = 1 FOR UPDATE")
	for range 5 {
		var group sync.WaitGroup
		for range 3 * mariaDBPool {
			group.Go(func() { s.patch(t, "1", `{"picture":"changed"}`).want(t, http.StatusServiceUnavailable) })
		}
		group.Wait()
	}
	check()
	db.exec(t, "ROLLBACK")
	s.patch(t, "1", `{"picture":"changed"}`).want(t, http.StatusOK)
}
