package faults

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/engines"
	"superheroes/test/faults/fakepeer"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// opened counts the connections that go through a proxy.
type opened struct{ atomic.Int64 }

func (o *opened) relays() (up, down tcpproxy.Relay) {
	o.Add(1)
	return tcpproxy.All()
}

// testPostgresThatHung: heroes and villains lie on a PostgreSQL that hangs, while clients of fights come and give up. It
// costs the stores a few connections, and once one request is served again all are. How long that takes is reported.
func testPostgresThatHung(t *testing.T, program string) {
	for _, profile := range []string{"strict", "eco"} {
		t.Run(profile, func(t *testing.T) {
			opens := &opened{}
			heroes, heroesURL := through(t, engines.Postgres(t), opens.relays)
			villains, villainsURL := through(t, engines.Postgres(t), opens.relays)
			become := func(state tcpproxy.State) { heroes.Become(state); villains.Become(state) }
			args := []string{"--profile=" + profile}
			h := start(t, program, "heroes", []string{"DATABASE_URL=" + heroesURL}, args...)
			v := start(t, program, "villains", []string{"DATABASE_URL=" + villainsURL}, args...)
			locations := fakepeer.New(t, fakepeer.Answers(http.StatusOK, fakepeer.Location))
			h.Ready(t, h.url+"/readyz")
			v.Ready(t, v.url+"/readyz")
			fights := startFights(t, program, t.TempDir(), []string{"HEROES_URL=" + h.url, "VILLAINS_URL=" + v.url, "LOCATIONS_URL=" + locations.URL}, args...)
			fight := func() int { return hasty(t, fights.url+execute, time.Minute) }
			eventually(t, "fights are fought", func() bool { return fight() == http.StatusOK })

			before := opens.Load()
			clients := startClients(t, fights.url+execute)
			become(tcpproxy.Hangs)
			time.Sleep(hanging)
			during := opens.Load()
			become(tcpproxy.Passes)
			back := time.Now()
			clients.recovers()
			failed, last := clients.failedSince(back)
			t.Logf("%d requests failed after it was back, the last after %s; connections: %d while it hung, %d after that",
				failed, last.Round(time.Millisecond), during-before, opens.Load()-during)
			if n := opens.Load() - before; n > 100 {
				t.Errorf("%d connections were opened", n)
			}
			for _, s := range []service{h, v} {
				get(t, s.url+"/readyz").want(t, http.StatusOK)
			}
		})
	}
}

// hanging is for how long the store hangs: longer than it takes to give up a connection that is being opened, longer than
// a request may take, longer than eco picks from memory.
const hanging = 6 * time.Second

// crowd is clients that ask for one thing again and again, some of them in a hurry.
type crowd struct {
	t      *testing.T
	url    string
	wait   sync.WaitGroup
	leave  atomic.Bool // when they are served again
	mu     sync.Mutex
	failed []time.Time // when requests failed
}

func startClients(t *testing.T, url string) *crowd {
	l := &crowd{t: t, url: url}
	for i := range 20 {
		l.wait.Go(func() { l.client([]time.Duration{300 * time.Millisecond, time.Minute}[i%2]) })
	}
	return l
}

// client asks until it was served often enough in a row.
func (l *crowd) client(patience time.Duration) {
	const enough = 30
	for served := 0; served < enough || !l.leave.Load(); {
		if hasty(l.t, l.url, patience) == http.StatusOK {
			served++
			continue
		}
		served = 0
		l.mu.Lock()
		l.failed = append(l.failed, time.Now())
		l.mu.Unlock()
		time.Sleep(20 * time.Millisecond) // as a client does that is told to come later
	}
}

// recovers waits until every client is served again.
func (l *crowd) recovers() {
	l.leave.Store(true)
	l.wait.Wait()
}

// failedSince returns how many requests failed after a moment, and how long after it the last did.
func (l *crowd) failedSince(begin time.Time) (n int, last time.Duration) {
	for _, at := range l.failed {
		if at.After(begin) {
			n, last = n+1, max(last, at.Sub(begin))
		}
	}
	return n, last
}

// hasty asks for url, and gives up after that long. It returns the status, 0 for none.
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
