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

// Heroes and villains use a PostgreSQL that hangs, while clients of fights come and give up. This costs the stores
// few connections, and later every client is served again.
func testPostgresThatHung(t *testing.T, program, profile string) {
	// By default a connection is first tried with TLS, which would count twice.
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
	await.True(t, "fights are fought", func() bool { return hasty(t, fights.url+execute, time.Minute) == http.StatusOK })

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
	// Each store opens few connections at a time until it is back, and at most one per client after that.
	if n, most := opened()-before, 2*(opening*rounds+crowdSize); n > most {
		t.Errorf("%d connections were opened, want at most %d", n, most)
	}
	for _, s := range []service{h, v} {
		wantOK(t, s.url+"/readyz")
	}
}

// hanging is how long the store hangs: longer than it takes to give up opening a connection, longer than a request
// may take, longer than eco picks from memory.
const hanging = 6 * time.Second

const (
	connecting = 2 * time.Second // how long a service tries to open a connection
	opening    = 4               // how many it opens at a time
	crowdSize  = 20
)

// fightUntil requests fights until the store is back and enough of them in a row succeed.
func fightUntil(t *testing.T, back *atomic.Bool, fights string, patience time.Duration) {
	const enough = 30
	for served := 0; served < enough || !back.Load(); served++ {
		if hasty(t, fights+execute, patience) != http.StatusOK {
			served = -1
			time.Sleep(20 * time.Millisecond) // as a client does that is told to retry later
		}
	}
}

// hasty requests url, and gives up after the given time. It returns the status, or 0 for none.
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

// Without its parameter every start fails with one line that names it; with it the contract holds.
func testPgBouncer(t *testing.T, program string) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	bare, parameter, _ := strings.Cut(at, "?")
	for range 2 {
		refused := start(t, program, "heroes", []string{"DATABASE_URL=" + bare}, "--store-wait=10m")
		wantOneLine(t, refused.Process, "database-url", regexp.QuoteMeta(parameter))
	}
}
