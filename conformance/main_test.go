package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"superheroes/test/engines"
	"superheroes/test/system"
)

// at returns command-line arguments: the addresses of a member's services, followed by the arguments in more.
func at(s *system.System, more ...string) []string {
	return append([]string{"--fights", s.Fights, "--heroes=" + s.Heroes, "--villains", s.Villains + "/", "--locations", s.Locations}, more...)
}

// nothingThere starts a server that responds with 404 to every request, and returns a system in which every
// service has that server's address.
func nothingThere(t *testing.T) *system.System {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return &system.System{Heroes: server.URL, Villains: server.URL, Locations: server.URL, Fights: server.URL}
}

func TestGoodMember(t *testing.T) {
	member := system.Up(t, system.Build(t), t.TempDir())
	t.Run("text", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), at(member, "--group", "core"), &stdout, &stderr); code != exitPassed || stderr.Len() > 0 {
			t.Errorf("exit code %d, %s%s", code, stderr.String(), stdout.String())
		}
		if !regexp.MustCompile(`\npassed [1-9]\d*, failed 0, skipped 0\n$`).MatchString(stdout.String()) || strings.Contains(stdout.String(), "  full  ") {
			t.Errorf("got %s", stdout.String())
		}
	})
	for _, token := range []string{system.AdminToken, "wrong"} {
		t.Run("the writes group, with the token "+token, func(t *testing.T) {
			want := map[string]int{system.AdminToken: exitPassed, "wrong": exitFailed}[token]
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), at(member, "--group", "writes", "--admin-token", token), &stdout, &stderr); code != want || stderr.Len() > 0 {
				t.Errorf("exit code %d, want %d, output %s%s", code, want, stderr.String(), stdout.String())
			}
			if !strings.Contains(stdout.String(), "  writes  heroes.write.create ") ||
				strings.Contains(stdout.String(), "  core  ") || strings.Contains(stdout.String(), "  full  ") {
				t.Errorf("got %s", stdout.String())
			}
		})
	}
	t.Run("all groups, as JSON and JUnit", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "score.xml")
		var stdout, stderr bytes.Buffer
		everything := at(member, "--statistics", member.Statistics, "--arena", member.Arena, "--admin-token", system.AdminToken, "--json", "--junit", file)
		if code := run(t.Context(), everything, &stdout, &stderr); code != exitPassed {
			t.Errorf("exit code %d, %s", code, stderr.String())
		}
		var score struct {
			Clauses []struct{ ID, Group, Result, Detail string }
			Passed  int
		}
		if err := json.Unmarshal(stdout.Bytes(), &score); err != nil || score.Passed == 0 || len(score.Clauses) != score.Passed {
			t.Errorf("%v: %s", err, stdout.String())
		}
		for _, group := range []string{"core", "full", "writes", "statistics", "arena"} {
			if !strings.Contains(stdout.String(), `"group": "`+group+`"`) {
				t.Errorf("no clause of %s was checked", group)
			}
		}
		if !strings.Contains(stdout.String(), `"detail": "profile eco, version `) {
			t.Errorf("the output does not name the profile: %s", stdout.String())
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var junit struct {
			Tests int `xml:"tests,attr"`
		}
		if err := xml.Unmarshal(text, &junit); err != nil || junit.Tests != score.Passed {
			t.Errorf("%v: %s", err, text)
		}
	})
}

// TestPgBouncer scores a member whose heroes and villains reach PostgreSQL through PgBouncer in transaction mode:
// every clause must pass.
func TestPgBouncer(t *testing.T) {
	dir, stores := t.TempDir(), [2]string{}
	for i := range stores {
		stores[i] = engines.PgBouncer(t, engines.Postgres(t)).URL
	}
	member := system.Four(t, system.Build(t), system.Stores{
		Heroes: stores[0], Villains: stores[1], Locations: "sqlite:" + dir + "/locations.db", Fights: "sqlite:" + dir + "/fights.db",
	}, "--profile=strict")
	for _, group := range []string{"full", "writes"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), at(member, "--group", group, "--admin-token", system.AdminToken), &stdout, &stderr); code != exitPassed {
			t.Errorf("group %s: exit code %d, output %s%s", group, code, stderr.String(), stdout.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	nothing := nothingThere(t)
	for name, test := range map[string]struct {
		args []string
		code int
		want string // in the output
	}{
		"a member that fails": {at(nothing), exitFailed, "FAIL  core  heroes.list "},
		"only the group core": {at(nothing, "--group", "core"), exitFailed, "\npassed 0, failed "},
		"as JSON":             {at(nothing, "--group", "core", "--json"), exitFailed, `"result": "fail"`},
		"JUnit file in a missing folder": {at(nothing, "--group", "core", "--junit",
			filepath.Join(t.TempDir(), "none", "x.xml")), exitUsage, "x.xml: no such file"},
		"timeout of zero":                 {at(nothing, "--timeout", "0s"), exitUsage, "--timeout"},
		"help":                            {[]string{"--help"}, exitPassed, "--junit=FILE"},
		"no arguments":                    {nil, exitUsage, "missing flags"},
		"one address missing":             {at(nothing)[2:], exitUsage, "--fights"},
		"writes without a token":          {at(nothing, "--group", "writes"), exitUsage, "--admin-token"},
		"an unknown group":                {at(nothing, "--group", "some"), exitUsage, "core"},
		"an unknown flag":                 {at(nothing, "--quick"), exitUsage, "--quick"},
		"an address that is not a URL":    {append(at(nothing), "--fights=localhost:8004"), exitUsage, "fights"},
		"an address with a path":          {append(at(nothing), "--fights=http://localhost/api/fights"), exitUsage, "fights"},
		"the arena group without --arena": {at(nothing, "--group", "arena"), exitUsage, "arena"},
		"an arena that fails":             {at(nothing, "--group", "arena", "--arena", nothing.Heroes), exitFailed, "FAIL  arena  arena.livez"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(stdout.String()+stderr.String(), test.want) {
				t.Errorf("%q not found in %s%s", test.want, stdout.String(), stderr.String())
			}
			if (stderr.Len() > 0) != (test.code == exitUsage) {
				t.Errorf("stderr is %q", stderr.String())
			}
		})
	}
}
