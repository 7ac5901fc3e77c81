package faults

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

func postgresTests() tests {
	return tests{
		"PostgreSQL that hung, strict": func(t *testing.T, program string) { testPostgresThatHung(t, program, "strict") },
		"PostgreSQL that hung, eco":    func(t *testing.T, program string) { testPostgresThatHung(t, program, "eco") },
		"PgBouncer":                    testPgBouncer,
	}
}

// testPostgresThatHung checks that while PostgreSQL hangs and clients of the fights service give up, the heroes and
// villains services open few connections, and that all clients are served once PostgreSQL has recovered.
func testPostgresThatHung(t *testing.T, program, profile string) {
	// By default, pgx tries to connect with TLS first, which would count as another connection.
	heroes, heroesURL := through(t, engines.Postgres(t)+"?sslmode=disable", tcpproxy.All)
	villains, villainsURL := through(t, engines.Postgres(t)+"?sslmode=disable", tcpproxy.All)
	opened := func() int64 { return heroes.Opened() + villains.Opened() }
	become := func(state tcpproxy.State) { heroes.Become(state); villains.Become(state) }
	args := []string{"--profile=" + profile}
	h := start(t, program, "heroes", []string{"DATABASE_URL=" + heroesURL}, args...)
	v := start(t, program, "villains", []string{"DATABASE_URL=" + villainsURL}, args...)
	h.Ready(t, h.url+"/readyz")
	v.Ready(t, v.url+"/readyz")
	env := append(newCatalogs(t).env(), "HEROES_URL="+h.url, "VILLAINS_URL="+v.url)
	fights := startFights(t, program, t.TempDir(), env, args...)
	await.True(t, "a fight succeeds", func() bool { return hasty(t, fights.url+execute, time.Minute) == http.StatusOK })

	before, begin := opened(), time.Now()
	var back atomic.Bool
	var clients sync.WaitGroup
	for i := range crowdSize {
		patience := []time.Duration{300 * time.Millisecond, time.Minute}[i%2]
		clients.Go(func() { fightUntil(t, &back, fights.url, patience) })
	}
	become(tcpproxy.Hangs)
	time.Sleep(hanging)
	become(tcpproxy.Passes)
	back.Store(true)
	clients.Wait()
	rounds := int64(time.Since(begin)/connecting) + 2
	// Each service opens only a few connections at a time until the store has recovered, and afterwards at most one
	// connection per client.
	if n, most := opened()-before, 2*(opening*rounds+crowdSize); n > most {
		t.Errorf("heroes and villains opened %d connections, want at most %d", n, most)
	}
	for _, s := range []service{h, v} {
		awaitOK(t, s.url+"/readyz")
	}
}

// hanging is how long the store hangs: longer than the connection and request timeouts, and longer than the eco profile
// may serve picks from memory.
const hanging = 6 * time.Second

const (
	connecting = 2 * time.Second // how long a service tries to open a connection
	opening    = 4               // how many connections a service opens at a time
	crowdSize  = 20
)

// fightUntil requests fights until the store has recovered and enough consecutive fights succeed.
func fightUntil(t *testing.T, back *atomic.Bool, fights string, patience time.Duration) {
	const enough = 30
	for served := 0; served < enough || !back.Load(); served++ {
		if hasty(t, fights+execute, patience) != http.StatusOK {
			served = -1
			time.Sleep(20 * time.Millisecond) // as clients do when they are asked to retry later
		}
	}
}

// hasty sends a request to url and gives up after the given time. hasty returns the status code, or 0 if it got no
// response.
func hasty(t *testing.T, url string, patience time.Duration) int {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	response, err := system.Client().Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// testPgBouncer checks that a service that connects to PgBouncer without the required URL parameter exits with a single
// log line that names the parameter.
func testPgBouncer(t *testing.T, program string) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	bare, parameter, _ := strings.Cut(at, "?")
	for range 2 {
		refused := start(t, program, "heroes", []string{"DATABASE_URL=" + bare}, "--store-wait=10m")
		wantOneLine(t, refused.Process, "database-url", regexp.QuoteMeta(parameter))
	}
}
