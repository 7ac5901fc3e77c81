package faults

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"superheroes/test/engines"
	"superheroes/test/fakepeer"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// uses maps each path of the fights service to the peers that the service calls to handle a request for that path.
var uses = map[string][]string{
	"/api/fights/randomfighters": {"heroes", "villains"},
	"/api/fights/randomlocation": {"locations"},
	execute:                      {"heroes", "villains", "locations"},
}

func peerTests() tests {
	return tests{
		"failing peers":                     testPeerResponses,
		"unresponsive peer":                 testPeerBlackHole,
		"calls in flight when a peer fails": testSiblingsAreNotWaitedFor,
		"connections to peers":              testRefusedFightsCostNoConnections,
		"breaker":                           testBreaker,
		"a peer's store":                    testStoreOfAPeer,
		"batches of picks":                  testBatches,
	}
}

// testBatches checks that the fights service requests random picks in batches in the eco profile, and individually for
// each fight in the strict profile.
func testBatches(t *testing.T, program string) {
	const fought = 100
	for profile, few := range map[string]bool{"eco": true, "strict": false} {
		t.Run(profile, func(t *testing.T) {
			peers := newCatalogs(t)
			peers.heroes.Behave(fakepeer.Draws(fakepeer.Hero))
			peers.villains.Behave(fakepeer.Draws(fakepeer.Villain))
			peers.locations.Behave(fakepeer.Draws(fakepeer.Location))
			fights := startFights(t, program, t.TempDir(), peers.env(), "--profile="+profile)
			for range fought {
				wantOK(t, fights.url+execute)
			}
			for _, name := range []string{"heroes", "villains", "locations"} {
				if n := peers.named(name).Requests(); n > fought || (n < fought) != few {
					t.Errorf("%s got %d requests for %d fights", name, n, fought)
				}
			}
			if ids := stored(t, fights.url); len(ids) != fought {
				t.Errorf("%d fights are stored, want the %d that got a response", len(ids), fought)
			}
		})
	}
}

func testPeerResponses(t *testing.T, program string) {
	peers := newCatalogs(t)
	fights := startFights(t, program, t.TempDir(), peers.env(), "--peer-breaker-failures=0")
	hasty := startFights(t, program, t.TempDir(), peers.env(), "--deadline=1s", "--peer-breaker-failures=0")
	tests := []struct {
		name      string
		behaviour http.HandlerFunc
		status    int
	}{
		{"breaks off", fakepeer.BreaksOff(""), http.StatusBadGateway},
		{"truncated body", fakepeer.BreaksOff("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), http.StatusBadGateway},
		{"500", fakepeer.Answers(http.StatusInternalServerError, `{"detail":"kryptonite"}`), http.StatusBadGateway},
		{"503", fakepeer.Answers(http.StatusServiceUnavailable, `{"detail":"kryptonite"}`), http.StatusBadGateway},
		{"malformed", fakepeer.Answers(http.StatusOK, `{"name":`), http.StatusBadGateway},
		{"slow", fakepeer.Hangs(), http.StatusGatewayTimeout},
		{"dribbles", fakepeer.Dribbles(fakepeer.Hero, 500*time.Millisecond), http.StatusGatewayTimeout},
		{"empty", fakepeer.Answers(http.StatusNotFound, `{"detail":"there is none"}`), http.StatusServiceUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fights := fights
			if test.status == http.StatusGatewayTimeout {
				fights = hasty
			}
			for path, asked := range uses {
				for _, victim := range asked {
					peers.named(victim).Behave(test.behaviour)
					get(t, fights.url+path).wantProblem(t, test.status, victim)
					peers.recover()
					wantOK(t, fights.url+"/readyz") // a failing peer doesn't affect the readiness of the fights service
				}
			}
			if ids := stored(t, fights.url); len(ids) > 0 {
				t.Errorf("%d fights were stored, although their requests failed", len(ids))
			}
		})
	}
	for path := range uses {
		wantOK(t, fights.url+path)
	}
	if ids := stored(t, fights.url); len(ids) != 1 {
		t.Errorf("%d fights are stored, want 1", len(ids))
	}
}

func testPeerBlackHole(t *testing.T, program string) {
	env := append(newCatalogs(t).env(), "VILLAINS_URL="+fakepeer.BlackHole(t))
	fights := startFights(t, program, t.TempDir(), env, "--deadline=1s")
	get(t, fights.url+execute).wantProblem(t, http.StatusGatewayTimeout, "villains")
	get(t, fights.url+"/api/fights/randomfighters").wantProblem(t, http.StatusGatewayTimeout, "villains")
	wantOK(t, fights.url+"/api/fights/randomlocation")
	if ids := stored(t, fights.url); len(ids) > 0 {
		t.Errorf("%d fights were stored, although their requests failed", len(ids))
	}
}

// testSiblingsAreNotWaitedFor checks that when one peer fails, the fights service responds without waiting for its
// calls to other peers, but doesn't cancel those calls, so that their connections can be reused.
func testSiblingsAreNotWaitedFor(t *testing.T, program string) {
	for path, asked := range uses {
		if len(asked) < 2 {
			continue
		}
		for _, victim := range asked {
			t.Run(path+", "+victim+" fails", func(t *testing.T) {
				peers := newCatalogs(t)
				fights := startFights(t, program, t.TempDir(), peers.env(), "--deadline=10m", "--write-timeout=11m", "--peer-read-timeout=10m")
				answer := make(chan struct{})
				t.Cleanup(sync.OnceFunc(func() { close(answer) }))
				var others []*fakepeer.Peer
				for _, name := range asked {
					if name != victim {
						peers.named(name).Behave(func(w http.ResponseWriter, r *http.Request) {
							<-answer
							fakepeer.Answers(http.StatusNotFound, `{"detail":"there is none"}`)(w, r)
						})
						others = append(others, peers.named(name))
					}
				}
				peers.named(victim).Behave(func(w http.ResponseWriter, r *http.Request) {
					for _, other := range others {
						for other.Requests() == 0 && r.Context().Err() == nil {
							time.Sleep(time.Millisecond)
						}
					}
					fakepeer.BreaksOff("")(w, r)
				})
				get(t, fights.url+path).wantProblem(t, http.StatusBadGateway, victim)
				answer <- struct{}{} // unblocks one peer; the cleanup unblocks the others
				for _, other := range others {
					if opened, open := other.Connections(); opened != 1 || open != 1 || other.Cancelled() > 0 {
						t.Errorf("%d connections opened, %d still open, want 1; %d requests canceled", opened, open, other.Cancelled())
					}
				}
				if ids := stored(t, fights.url); len(ids) > 0 {
					t.Errorf("%d fights were stored, although their requests failed", len(ids))
				}
			})
		}
	}
}

// testRefusedFightsCostNoConnections checks that the fights service doesn't exceed its limit on connections to a
// healthy peer while one peer is down, another peer is slow and every fourth client is impatient. Impatient clients
// must not open a circuit breaker.
func testRefusedFightsCostNoConnections(t *testing.T, program string) {
	const clients, each = 16, 50
	slow := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond) // longer than the deadline of impatient clients
		fakepeer.Draws(fakepeer.Villain)(w, r)
	}
	for profile, most := range map[string]int{"strict": 100, "eco": 20} { // the eco profile opens few connections
		for _, away := range []string{"heroes", "villains", "locations", "nobody"} {
			t.Run(profile+", "+away+" is away", func(t *testing.T) {
				peers := newCatalogs(t)
				peers.heroes.Behave(fakepeer.Draws(fakepeer.Hero))
				peers.villains.Behave(slow)
				peers.locations.Behave(fakepeer.Draws(fakepeer.Location))
				fights := startFights(t, program, t.TempDir(), peers.env(), "--profile="+profile, "--log-level=ERROR")
				wantOK(t, fights.url+execute)
				if away != "nobody" {
					peers.named(away).Stop()
				}
				patient := fightTogether(t, fights.url, clients, each)
				for _, name := range []string{"heroes", "villains", "locations"} {
					if opened, _ := peers.named(name).Connections(); name != away && opened > most {
						t.Errorf("the service opened %d connections to %s for %d fights", opened, name, clients*each)
					}
				}
				fought := patient[http.StatusOK]
				refused := patient[http.StatusBadGateway] + patient[http.StatusServiceUnavailable]
				expected, unexpected := fought, refused
				if away != "nobody" {
					expected, unexpected = refused, fought
				}
				if expected != clients*3/4*each || unexpected != 0 {
					t.Errorf("responses to patient clients, by status: %v", patient)
				}
				if away != "nobody" {
					peers.named(away).Start(t)
				}
				awaitOK(t, fights.url+execute)
			})
		}
	}
}

// fightTogether starts clients that request fights concurrently. Every fourth client is impatient: it sends a short
// deadline. fightTogether returns the number of responses to the patient clients, by status code.
func fightTogether(t *testing.T, fights string, clients, each int) map[int]int {
	t.Helper()
	var group sync.WaitGroup
	var patient, hasty counts
	for n := range clients {
		statuses, header := &patient, []string(nil)
		if n%4 == 0 {
			statuses, header = &hasty, []string{"X-Request-Timeout-Ms", "3"}
		}
		group.Go(func() {
			for range each {
				got, err := try(t, http.MethodGet, fights+execute, "", header...)
				if err != nil {
					t.Error(err)
					return
				}
				statuses.add(got.status)
			}
		})
	}
	group.Wait()
	return patient.of
}

func testBreaker(t *testing.T, program string) {
	peers := newCatalogs(t)
	fights := startFights(t, program, t.TempDir(), peers.env(), "--peer-breaker-failures=3", "--peer-breaker-delay=5s")
	const path = execute
	peers.heroes.Stop()
	for range 3 {
		get(t, fights.url+path).wantProblem(t, http.StatusBadGateway, "heroes")
	}
	get(t, fights.url+path).wantProblem(t, http.StatusServiceUnavailable, "heroes")
	get(t, fights.url+"/api/fights/randomfighters").wantProblem(t, http.StatusServiceUnavailable, "heroes")
	wantOK(t, fights.url+"/api/fights/randomlocation") // locations did nothing wrong
	if ids := stored(t, fights.url); len(ids) > 0 {
		t.Errorf("%d fights were stored, although their requests failed", len(ids))
	}
	peers.heroes.Start(t)
	awaitOK(t, fights.url+path)
	wantOK(t, fights.url+path)
}

// testStoreOfAPeer checks that if the heroes service has trouble with its store, the response to a request for a fight
// says that heroes failed or was too slow, whether heroes runs in the same process or in a separate one.
func testStoreOfAPeer(t *testing.T, program string) {
	for _, way := range []string{"in one process", "in two processes"} {
		t.Run(way, func(t *testing.T) {
			store := engines.Postgres(t)
			proxy, url := through(t, store, tcpproxy.All)
			url += "?lock_timeout=50" // locks time out well before the deadline
			args := []string{"--profile=strict", "--deadline=14s"}
			var base string
			if way == "in one process" {
				up := system.Up(t, program, t.TempDir(), append(args, "--heroes-database-url="+url)...)
				base = up.Fights
			} else {
				heroes := start(t, program, "heroes", []string{"DATABASE_URL=" + url}, args...)
				heroes.Ready(t, heroes.url+"/readyz")
				env := append(newCatalogs(t).env(), "HEROES_URL="+heroes.url)
				base = startFights(t, program, t.TempDir(), env, append(args, "--peer-breaker-failures=0")...).url
			}
			db, err := pgx.Connect(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
			run := func(statement string) {
				if _, err := db.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			const unhurried, hasty = "14000", "1000" // ms; only a store that hangs must exceed the deadline
			for _, trouble := range []struct {
				name          string
				begin, mended func()
				deadline      string
				status        int
			}{
				{"the table is locked", func() { run("BEGIN"); run("LOCK TABLE hero") }, func() { run("ROLLBACK") }, unhurried, http.StatusBadGateway},
				{"the store hangs", func() { proxy.Become(tcpproxy.Hangs) }, func() { proxy.Become(tcpproxy.Passes) }, hasty, http.StatusGatewayTimeout},
				{"the store is down", func() { proxy.Become(tcpproxy.Refuses); proxy.Cut() },
					func() { proxy.Become(tcpproxy.Passes) }, unhurried, http.StatusBadGateway},
				{"the table is renamed", func() { run("ALTER TABLE hero RENAME TO zero") },
					func() { run("ALTER TABLE zero RENAME TO hero") }, unhurried, http.StatusBadGateway},
			} {
				awaitOK(t, base+execute)
				trouble.begin()
				for range 3 {
					ask(t, http.MethodGet, base+execute, "", "X-Request-Timeout-Ms", trouble.deadline).wantProblem(t, trouble.status, "heroes")
				}
				if t.Failed() {
					t.Fatalf("while %s", trouble.name)
				}
				trouble.mended()
			}
		})
	}
}
