package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// fresh is the time within which a process notices changes that another process has made.
const fresh = time.Second

// TestPicksSeeEdits checks that picks reflect a change immediately in the process that made the change, and within a
// second in other processes. An entry deleted more than a second ago is never picked.
func TestPicksSeeEdits(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"strict", "eco"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel() // the test mostly waits
			Each(t, testPicksSeeEdits, "--profile="+profile)
		})
	}
}

func testPicksSeeEdits(t *testing.T, s *System) {
	var heroes []struct{ ID int64 }
	read(t, edit(t, s, http.MethodGet, "", "", http.StatusOK), &heroes)
	if len(heroes) < 2 {
		t.Fatalf("there are %d heroes", len(heroes))
	}
	for _, hero := range heroes[1:] {
		edit(t, s, http.MethodDelete, fmt.Sprint("/", hero.ID), "", http.StatusNoContent)
	}
	// Only one hero is left, so that a single pick is conclusive.
	id, name := heroes[0].ID, "the first"
	edit(t, s, http.MethodPatch, fmt.Sprint("/", id), `{"name":"the first"}`, http.StatusOK)
	for round := range 5 {
		picksAre(t, s, name)
		var created struct{ ID int64 }
		name = fmt.Sprintf("hero of round %d", round)
		read(t, edit(t, s, http.MethodPost, "", `{"name":"`+name+`"}`, http.StatusCreated), &created)
		pick(t, s.Heroes+"/api/heroes/random")         // loads a snapshot that contains both heroes
		pick(t, s.Fights+"/api/fights/randomfighters") // also loads both heroes
		edit(t, s, http.MethodDelete, fmt.Sprint("/", id), "", http.StatusNoContent)
		id = created.ID
	}
	picksAre(t, s, name)
	edit(t, s, http.MethodPatch, fmt.Sprint("/", id), `{"name":"renamed"}`, http.StatusOK)
	picksAre(t, s, "renamed")
	edit(t, s, http.MethodDelete, fmt.Sprint("/", id), "", http.StatusNoContent)
	exchange(t, http.MethodGet, s.Heroes+"/api/heroes/random", "", http.StatusNotFound)
	if s.Processes["fights"] != s.Processes["heroes"] {
		time.Sleep(fresh)
	}
	exchange(t, http.MethodGet, s.Fights+"/api/fights/randomfighters", "", http.StatusServiceUnavailable)
}

// picksAre checks that each pick returns the hero with the given name: immediately in the process that made the change,
// and in another process once it has had time to notice the change.
func picksAre(t *testing.T, s *System, name string) {
	t.Helper()
	want := `"name":` + fmt.Sprintf("%q", name)
	for range 20 {
		if got := pick(t, s.Heroes+"/api/heroes/random_hero"); !strings.Contains(got, want) {
			t.Fatalf("picked %s, want %s", got, name)
		}
	}
	if s.Processes["fights"] != s.Processes["heroes"] {
		time.Sleep(fresh)
	}
	for _, path := range []string{"randomfighters", "execute_fight"} {
		for range 20 {
			if got := pick(t, s.Fights+"/api/fights/"+path); !strings.Contains(got, want) {
				t.Fatalf("%s picked %s, want %s", path, got, name)
			}
		}
	}
}

func pick(t *testing.T, url string) string {
	t.Helper()
	return exchange(t, http.MethodGet, url, "", http.StatusOK)
}

// edit sends a request to the heroes service with the admin token.
func edit(t *testing.T, s *System, method, path, body string, status int) string {
	t.Helper()
	return exchange(t, method, s.Heroes+"/api/heroes"+path, body, status)
}

func exchange(t *testing.T, method, url, body string, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+AdminToken)
	response, err := Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("%s %s: got %d %s (%v), want %d", method, url, response.StatusCode, text, err, status)
	}
	return string(text)
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("reading %.300s: %v", text, err)
	}
}

// TestEditsDisabled checks that edits are rejected if the service has no admin token or a different admin token, and
// that no response or log line reveals a token.
func TestEditsDisabled(t *testing.T) {
	t.Parallel()
	program := Build(t)
	for _, c := range []struct {
		name   string
		env    []string
		status int
	}{
		{"not set", nil, http.StatusForbidden},
		{"empty", []string{"ADMIN_TOKEN="}, http.StatusForbidden},
		{"different token", []string{"ADMIN_TOKEN=swordfish"}, http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := FreeAddr(t)
			env := append([]string{"ADDR=" + addr, "DATABASE_URL=sqlite:" + t.TempDir() + "/heroes.db", "LOG_LEVEL=DEBUG", "ACCESS_LOG=true"}, c.env...)
			p := Start(t, program, env, "heroes")
			p.Ready(t, "http://"+addr+"/readyz")
			s := &System{Heroes: "http://" + addr}
			answers := edit(t, s, http.MethodPost, "", `{"name":"x"}`, c.status) + edit(t, s, http.MethodDelete, "/1", "", c.status) +
				exchange(t, http.MethodGet, s.Heroes+"/healthz", "", http.StatusOK)
			if c.status == http.StatusForbidden && !strings.Contains(answers, "ADMIN_TOKEN") {
				t.Errorf("the response doesn't say how to enable changes: %s", answers)
			}
			for _, secret := range []string{AdminToken, "swordfish"} {
				if strings.Contains(answers+p.Stdout.String()+p.Stderr.String(), secret) {
					t.Errorf("%q is revealed", secret)
				}
			}
			if !strings.Contains(p.Stderr.String(), "DELETE") {
				t.Error("the DELETE request is missing from the log")
			}
		})
	}
}
