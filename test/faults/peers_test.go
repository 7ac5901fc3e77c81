package faults

import (
	"net/http"
	"testing"
	"time"

	"superheroes/test/faults/fakepeer"
)

// uses says which peers a path asks.
var uses = map[string][]string{
	"/api/fights/randomfighters": {"heroes", "villains"},
	"/api/fights/randomlocation": {"locations"},
	"/api/fights/execute_fight":  {"heroes", "villains", "locations"},
}

func testPeers(t *testing.T, program string) {
	t.Run("answers", func(t *testing.T) { testPeerAnswers(t, program) })
	t.Run("refused", func(t *testing.T) { testPeerRefuses(t, program) })
	t.Run("black hole", func(t *testing.T) { testPeerBlackHole(t, program) })
	t.Run("cancelled", func(t *testing.T) { testFetchesAreCancelled(t, program) })
	t.Run("breaker", func(t *testing.T) { testBreaker(t, program) })
	t.Run("batches", func(t *testing.T) { testBatches(t, program) })
}

// testBatches: in eco, fights asks for many picks at a time; in strict, each fight asks for its own.
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
				get(t, fights.url+"/api/fights/execute_fight").want(t, http.StatusOK)
			}
			for _, name := range []string{"heroes", "villains", "locations"} {
				if n := peers.named(name).Requests(); n > fought || (n < fought) != few {
					t.Errorf("%s was asked %d times for %d fights", name, n, fought)
				}
			}
			if ids := stored(t, fights.url); len(ids) != fought {
				t.Errorf("%d fights are stored, want the %d that were answered", len(ids), fought)
			}
		})
	}
}

func testPeerAnswers(t *testing.T, program string) {
	peers := newCatalogs(t)
	fights := startFights(t, program, t.TempDir(), peers.env(), "--peer-breaker-failures=0")
	hasty := startFights(t, program, t.TempDir(), peers.env(), "--deadline=1s", "--peer-breaker-failures=0")
	tests := []struct {
		name      string
		behaviour http.HandlerFunc
		status    int
	}{
		{"breaks off", fakepeer.BreaksOff(""), http.StatusBadGateway},
		{"breaks off within the body", fakepeer.BreaksOff("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), http.StatusBadGateway},
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
					get(t, fights.url+"/readyz").want(t, http.StatusOK) // a fault of another is none of ours
				}
			}
			if ids := stored(t, fights.url); len(ids) > 0 {
				t.Errorf("%d fights were stored that could not be fought", len(ids))
			}
		})
	}
	for path := range uses {
		get(t, fights.url+path).want(t, http.StatusOK)
	}
	if ids := stored(t, fights.url); len(ids) != 1 {
		t.Errorf("%d fights are stored, want 1", len(ids))
	}
}

func testPeerRefuses(t *testing.T, program string) {
	peers := newCatalogs(t)
	fights := startFights(t, program, t.TempDir(), peers.env(), "--peer-breaker-failures=0")
	for path, asked := range uses {
		for _, victim := range asked {
			get(t, fights.url+path).want(t, http.StatusOK)
			peers.named(victim).Stop()
			get(t, fights.url+path).wantProblem(t, http.StatusBadGateway, victim)
			peers.named(victim).Start(t)
			get(t, fights.url+path).want(t, http.StatusOK)
		}
	}
	if ids := stored(t, fights.url); len(ids) != 6 {
		t.Errorf("%d fights are stored, want the 6 that were answered", len(ids))
	}
}

func testPeerBlackHole(t *testing.T, program string) {
	env := append(newCatalogs(t).env(), "VILLAINS_URL="+fakepeer.BlackHole(t))
	fights := startFights(t, program, t.TempDir(), env, "--deadline=1s")
	get(t, fights.url+"/api/fights/execute_fight").wantProblem(t, http.StatusGatewayTimeout, "villains")
	get(t, fights.url+"/api/fights/randomfighters").wantProblem(t, http.StatusGatewayTimeout, "villains")
	get(t, fights.url+"/api/fights/randomlocation").want(t, http.StatusOK)
	if ids := stored(t, fights.url); len(ids) > 0 {
		t.Errorf("%d fights were stored that could not be fought", len(ids))
	}
}

// The peer that fails does so once the others are asked; these would hang for longer than the test.
func testFetchesAreCancelled(t *testing.T, program string) {
	for path, asked := range uses {
		if len(asked) < 2 {
			continue
		}
		for _, victim := range asked {
			t.Run(path+", "+victim+" fails", func(t *testing.T) {
				peers := newCatalogs(t)
				fights := startFights(t, program, t.TempDir(), peers.env(), "--deadline=10m", "--write-timeout=11m", "--peer-read-timeout=10m")
				var others []*fakepeer.Peer
				for _, name := range asked {
					if name != victim {
						peers.named(name).Behave(fakepeer.Hangs())
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
				for _, other := range others {
					eventually(t, "the other fetch is cancelled", func() bool { return other.Cancelled() == 1 })
				}
				if ids := stored(t, fights.url); len(ids) > 0 {
					t.Errorf("%d fights were stored that could not be fought", len(ids))
				}
			})
		}
	}
}

func testBreaker(t *testing.T, program string) {
	peers := newCatalogs(t)
	fights := startFights(t, program, t.TempDir(), peers.env(), "--peer-breaker-failures=3", "--peer-breaker-delay=5s")
	const path = "/api/fights/execute_fight"
	peers.heroes.Stop()
	for range 3 {
		get(t, fights.url+path).wantProblem(t, http.StatusBadGateway, "heroes")
	}
	get(t, fights.url+path).wantProblem(t, http.StatusServiceUnavailable, "heroes")
	get(t, fights.url+"/api/fights/randomfighters").wantProblem(t, http.StatusServiceUnavailable, "heroes")
	get(t, fights.url+"/api/fights/randomlocation").want(t, http.StatusOK) // locations did nothing wrong
	if ids := stored(t, fights.url); len(ids) > 0 {
		t.Errorf("%d fights were stored that could not be fought", len(ids))
	}
	peers.heroes.Start(t)
	eventually(t, "fights go on", func() bool { return get(t, fights.url+path).status == http.StatusOK })
	get(t, fights.url+path).want(t, http.StatusOK)
}
