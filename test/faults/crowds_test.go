package faults

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"superheroes/test/engines"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

const (
	// crowdedRows is the number of heroes in the database, high enough that a search takes noticeable time.
	crowdedRows = 100_000
	// goodFights is the number of fights that well-behaved clients request, at intervals of goodDistance.
	goodFights   = 100
	goodDistance = 40 * time.Millisecond
	// poolOfHeroes is the maximum number of database connections that the heroes service may open.
	poolOfHeroes = 50
)

// crowd starts many clients that generate one kind of heavy load until the context is canceled.
type crowd func(ctx context.Context, t *testing.T, s *system.System, clients *sync.WaitGroup)

// testCrowds checks that under each kind of heavy load, at least 95 % of the fights requested at a moderate rate
// succeed.
func testCrowds(t *testing.T, program string) {
	for way, start := range map[string]func(*testing.T, string) *system.System{
		"one process": crowdedUp, "processes on PostgreSQL and MariaDB": crowdedProcesses,
	} {
		t.Run(way, func(t *testing.T) {
			s := start(t, program)
			awaitOK(t, s.Fights+execute)
			for name, crowd := range map[string]crowd{
				"impatient clients": hurry, "searches": search,
				"unread lists": stallLists, "unread streams": stallStreams,
			} {
				t.Run(name, func(t *testing.T) {
					ctx, leave := context.WithCancel(t.Context())
					var clients sync.WaitGroup
					crowd(ctx, t, s, &clients)
					fightSteadily(t, s.Fights)
					leave()
					clients.Wait()
				})
			}
		})
	}
}

// crowdedUp starts all services in one process in the strict profile, with many heroes.
func crowdedUp(t *testing.T, program string) *system.System {
	t.Helper()
	dir := t.TempDir()
	seedHeroes(t, program, "DATA_DIR="+dir)
	return system.Up(t, program, dir, "--profile=strict", "--log-level=ERROR")
}

// crowdedProcesses starts each service in its own process in the strict profile, with many heroes; fights and
// statistics share an SQLite file. The test's cleanup checks that no client makes the heroes service replace a database
// connection: each connection in the pool is opened only once.
func crowdedProcesses(t *testing.T, program string) *system.System {
	t.Helper()
	store, dir := engines.Postgres(t), t.TempDir()
	seedHeroes(t, program, "HEROES_DATABASE_URL="+store)
	proxy, heroes := through(t, store+"?sslmode=disable", tcpproxy.All) // with TLS, pgx would connect twice
	t.Cleanup(func() {
		if n := proxy.Opened(); n > poolOfHeroes {
			t.Errorf("heroes opened %d connections to PostgreSQL, more than its pool size of %d", n, poolOfHeroes)
		}
	})
	args := []string{"--profile=strict", "--log-level=ERROR"}
	ready := func(name string, env ...string) service {
		s := start(t, program, name, env, args...)
		s.Ready(t, s.url+"/readyz")
		return s
	}
	h, v := ready("heroes", "DATABASE_URL="+heroes), ready("villains", "DATABASE_URL="+engines.Postgres(t))
	l := ready("locations", "MYSQL_URL="+engines.MySQL(t))
	f := startFights(t, program, dir, []string{"HEROES_URL=" + h.url, "VILLAINS_URL=" + v.url, "LOCATIONS_URL=" + l.url}, args...)
	st := ready("statistics", "MONGODB_URL=sqlite:"+dir+"/fights.db")
	s := &system.System{
		Heroes: h.url, Villains: v.url, Locations: l.url, Fights: f.url, Statistics: st.url, Processes: map[string]*system.Process{},
	}
	s.StartArena(t, program, "LOG_LEVEL=ERROR")
	return s
}

func seedHeroes(t *testing.T, program, store string) {
	t.Helper()
	seed := system.Start(t, program, []string{store}, "seed", "heroes", "--count="+strconv.Itoa(crowdedRows))
	if code := seed.Wait(t, 4*hang); code != 0 {
		t.Fatalf("exit code %d: %s", code, seed.Stderr.String())
	}
}

// fightSteadily requests fights at regular intervals without waiting for responses, and checks how many succeed.
func fightSteadily(t *testing.T, fights string) {
	t.Helper()
	var statuses counts
	var group sync.WaitGroup
	next := time.NewTicker(goodDistance)
	defer next.Stop()
	for range goodFights {
		<-next.C
		group.Go(func() {
			got, err := try(t, http.MethodGet, fights+execute, "")
			if err != nil {
				t.Error(err)
			}
			statuses.add(got.status)
		})
	}
	group.Wait()
	if statuses.of[http.StatusOK] < goodFights*19/20 {
		t.Errorf("responses to %d fights, by status: %v", goodFights, statuses.of)
	}
}

// repeat starts n clients that send the same request continuously over kept-alive connections. The header parameter
// contains alternating names and values.
func repeat(ctx context.Context, clients *sync.WaitGroup, n int, target string, header ...string) {
	for range n {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
				if err != nil {
					return
				}
				for i := 0; i < len(header); i += 2 {
					request.Header.Set(header[i], header[i+1])
				}
				response, err := client.Do(request)
				if err != nil {
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.Header.Get("Retry-After") != "" && len(header) == 0 { // respect Retry-After
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
					}
				}
			}
		})
	}
}

func hurry(ctx context.Context, _ *testing.T, s *system.System, clients *sync.WaitGroup) {
	repeat(ctx, clients, 4, s.Fights+"/api/fights/randomfighters", "X-Request-Timeout-Ms", "3")
}

func search(ctx context.Context, _ *testing.T, s *system.System, clients *sync.WaitGroup) {
	repeat(ctx, clients, 200, s.Heroes+"/api/heroes?name=zzzzzzzz")
}

func stallLists(ctx context.Context, t *testing.T, s *system.System, _ *sync.WaitGroup) {
	t.Helper()
	for range poolOfHeroes + 10 {
		stall(ctx, t, s.Heroes, "/api/heroes")
	}
}

// stallStreams makes one client open too many streams, and checks that other clients and other paths are still served.
func stallStreams(ctx context.Context, t *testing.T, s *system.System, _ *sync.WaitGroup) {
	t.Helper()
	const stream = "/api/statistics/stream"
	refused := 0
	for range 1000 {
		if stall(ctx, t, s.Arena, stream) == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused == 0 {
		t.Error("the arena accepted 1000 streams from one client")
	}
	wantOK(t, s.Arena+"/api/heroes?limit=5")
	wantOK(t, s.Arena+"/api/statistics")
	if status := stallFrom(ctx, t, "127.0.0.2", s.Arena, stream); status != http.StatusOK {
		t.Errorf("a stream from another client got status %d", status)
	}
}

// stall sends a request and reads only the response status; the connection stays open until ctx is canceled.
func stall(ctx context.Context, t *testing.T, base, path string) int {
	t.Helper()
	return stallFrom(ctx, t, "127.0.0.1", base, path)
}

// stallFrom is like stall, but uses the given client address.
func stallFrom(ctx context.Context, t *testing.T, client, base, path string) int {
	t.Helper()
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}).DialContext(ctx, "tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+at.Host+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}
