package faults

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"superheroes/test/system"
)

// testGuesses sends wrong tokens to a service, both directly and through the arena. Either way, wrong tokens must count
// towards the limit of that service only, the right token must always be accepted, and the log must contain exactly one
// line about the wrong tokens.
func testGuesses(t *testing.T, program string) {
	t.Run("one process", func(t *testing.T) {
		s := system.Up(t, program, t.TempDir())
		up := s.Processes["fights"]
		checkGuesses(t, up, s.Heroes, s.Arena)
		ask(t, http.MethodDelete, s.Villains+"/api/villains/1", "", "Authorization", "Bearer wrong").want(t, http.StatusUnauthorized)
	})
	t.Run("separate processes", func(t *testing.T) {
		heroes := start(t, program, "heroes", []string{"DATABASE_URL=sqlite:" + t.TempDir() + "/heroes.db", "ADMIN_TOKEN=" + system.AdminToken})
		heroes.Ready(t, heroes.url+"/readyz")
		arena := start(t, program, "arena", []string{"HEROES_URL=" + heroes.url})
		arena.Ready(t, arena.url+"/readyz")
		checkGuesses(t, heroes.Process, heroes.url, arena.url)
	})
}

// checkGuesses sends wrong tokens to the heroes service, alternating between its addresses, and checks the responses
// and the log.
func checkGuesses(t *testing.T, heroes *system.Process, addresses ...string) {
	t.Helper()
	edit := func(base, token string) answer {
		return ask(t, http.MethodPatch, base+"/api/heroes/1", "{}", "Authorization", "Bearer "+token)
	}
	const most = 10
	for i := range 2 * most {
		base := addresses[i%len(addresses)]
		got := edit(base, "wrong"+strconv.Itoa(i))
		if i < most {
			got.want(t, http.StatusUnauthorized)
		} else if got.want(t, http.StatusTooManyRequests).header.Get("Retry-After") == "" {
			t.Error("a 429 response has no Retry-After")
		}
		edit(base, system.AdminToken).want(t, http.StatusOK)
		ask(t, http.MethodPatch, base+"/api/heroes/1", "{}").want(t, http.StatusUnauthorized)
	}
	wantLog(t, &heroes.Stderr, "heroes - WARN - too many wrong tokens")
	if strings.Contains(heroes.Stderr.String(), "wrong1") {
		t.Error("the log contains a wrong token")
	}
}
