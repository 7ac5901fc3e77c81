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
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/engines"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

const (
	// crowdedRows is the number of heroes in the database, high enough that a search takes noticeable time.
	crowdedRows = 100_000
	// goodClients is the number of well-behaved clients, each of which requests at least goodFights fights.
	goodClients = 4
	goodFights  = 25
	// poolOfHeroes is the maximum number of database connections that the heroes service may open.
	poolOfHeroes = 50
)

// crowd starts many clients that generate one kind of heavy load until the context is canceled. It returns a function
// that reports whether the load has lasted long enough to do its harm.
type crowd func(ctx context.Context, t *testing.T, s *system.System, clients *sync.WaitGroup) (enough func() bool)

// testCrowds checks that under each kind of heavy load, at least 95 % of the fights that a few well-behaved
// clients request succeed.
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
					fightSteadily(t, s.Fights, crowd(ctx, t, s, &clients))
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
// statistics share an SQLite file. The test's cleanup checks that clients don't make the heroes service replace its
// database connections. If every client that left cost a connection, there would be thousands of new ones; on a busy
// machine, a few reads may exceed their time limit, and each of those costs a connection too.
func crowdedProcesses(t *testing.T, program string) *system.System {
	t.Helper()
	store, dir := engines.Postgres(t), t.TempDir()
	seedHeroes(t, program, "HEROES_DATABASE_URL="+store)
	proxy, heroes := through(t, store+"?sslmode=disable", tcpproxy.All) // with TLS, pgx would connect twice
	t.Cleanup(func() {
		if n := proxy.Opened(); n > 2*poolOfHeroes {
			t.Errorf("heroes opened %d connections to PostgreSQL with a pool of %d", n, poolOfHeroes)
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

// fightSteadily lets well-behaved clients request fights until the crowd has had enough time, and checks how many
// succeed. Each client waits for its response, so that a busy machine makes the test slower but no backlog grows.
func fightSteadily(t *testing.T, fights string, enough func() bool) {
	t.Helper()
	var statuses counts
	var group sync.WaitGroup
	for range goodClients {
		group.Go(func() {
			for n := 0; n < goodFights || !enough(); n++ {
				got, err := try(t, http.MethodGet, fights+execute, "")
				if err != nil {
					t.Error(err)
					return
				}
				statuses.add(got.status)
			}
		})
	}
	group.Wait()
	all := 0
	for _, n := range statuses.of {
		all += n
	}
	if statuses.of[http.StatusOK] < all*19/20 {
		t.Errorf("responses to %d fights, by status: %v", all, statuses.of)
	}
}

// repeat starts n clients that send the same request continuously over kept-alive connections. The header parameter
// contains alternating names and values. The returned function reports whether the given number
// of requests have ended.
func repeat(ctx context.Context, clients *sync.WaitGroup, n, requests int, target string, header ...string) (enough func() bool) {
	var ended atomic.Int64
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
				ended.Add(1)
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
	return func() bool { return int(ended.Load()) >= requests }
}

// always is for crowds that do their harm as soon as they are there.
func always() bool { return true }

func hurry(ctx context.Context, _ *testing.T, s *system.System, clients *sync.WaitGroup) func() bool {
	return repeat(ctx, clients, 4, 1000, s.Fights+"/api/fights/randomfighters", "X-Request-Timeout-Ms", "3")
}

func search(ctx context.Context, _ *testing.T, s *system.System, clients *sync.WaitGroup) func() bool {
	return repeat(ctx, clients, 200, 400, s.Heroes+"/api/heroes?name=zzzzzzzz")
}

func stallLists(ctx context.Context, t *testing.T, s *system.System, _ *sync.WaitGroup) func() bool {
	t.Helper()
	for range poolOfHeroes + 10 {
		stall(ctx, t, s.Heroes, "/api/heroes")
	}
	return always
}

// stallStreams makes one client open too many streams, and checks that other clients and other paths are still served.
func stallStreams(ctx context.Context, t *testing.T, s *system.System, _ *sync.WaitGroup) func() bool {
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
	return always
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
