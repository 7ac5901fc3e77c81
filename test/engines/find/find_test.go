package find

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/test/engines"
)

func TestFirstSourceThatWorksWins(t *testing.T) {
	has := func(name string) source {
		return source{name, func(context.Context) (*Engine, error) { return &Engine{Name: name}, nil }}
	}
	hasNot := func(name string) source {
		return source{name, func(context.Context) (*Engine, error) { return nil, errors.New(name + " has none") }}
	}
	tests := []struct {
		name    string
		sources []source
		want    string
		missing string
	}{
		{"the first", []source{has("a"), has("b")}, "a", ""},
		{"the next when one has none", []source{hasNot("a"), has("b"), has("c")}, "b", ""},
		{"none, with every reason", []source{hasNot("a"), hasNot("b")}, "thing", "a: a has none\nb: b has none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			engine := first(t.Context(), "thing", "buy one", test.sources...)
			if engine.Name != test.want {
				t.Errorf("got %s, want %s", engine.Name, test.want)
			}
			missing := ""
			if engine.Missing != nil {
				missing = engine.Missing.Error()
			}
			if missing != test.missing {
				t.Errorf("missing because of %q, want %q", missing, test.missing)
			}
		})
	}
}

func TestCloseIsInReverseAndGoesOn(t *testing.T) {
	var order []string
	closing := func(name string, err error) func() error {
		return func() error { order = append(order, name); return err }
	}
	failure := errors.New("failure")
	engine := &Engine{close: []func() error{closing("program", nil), closing("server", failure)}}
	if err := engine.Close(); !errors.Is(err, failure) {
		t.Errorf("got %v, want the failure", err)
	}
	if err := engine.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if got := strings.Join(order, " "); got != "server program" {
		t.Errorf("closed %q", got)
	}
}

// The sources in order, on a machine that has more of them in each step.
func TestOrderOfSearch(t *testing.T) {
	const url = "postgres://u:p@h/d"
	ping := func(context.Context, string) (string, error) { return "Postgres 99", nil }
	start := func(context.Context, string) (*engines.Server, error) { return nil, errors.New("started") }
	kind := kind{
		name:     "Postgres",
		variable: "URL",
		ping:     ping,
		start:    start,
		programs: programs{names: []string{"server"}},
		image:    image{name: "postgres:16", port: 5432, url: "postgres://%s/"},
		packages: packages{"server"},
	}
	tests := []struct {
		name     string
		programs map[string]string // in PATH, as scripts
		url      string
		how      string
		missing  []string
	}{
		{
			name:     "the environment comes first",
			programs: map[string]string{"server": "", "docker": dockerScript},
			url:      url,
			how:      "found at URL",
		},
		{
			name:     "a program that won't start is passed over for Docker",
			programs: map[string]string{"server": "", "docker": dockerScript},
			how:      "started a container of postgres:16",
		},
		{
			name:     "then Docker",
			programs: map[string]string{"docker": dockerScript},
			how:      "started a container of postgres:16",
		},
		{
			name:     "an image that can't be had leaves its reason",
			programs: map[string]string{"docker": `[ "$1" = info ] || { echo pulling >&2; echo no such image >&2; exit 1; }`},
			missing:  []string{"URL is not set", "no server on the PATH", "no such image", "TEST_INSTALL=0 forbids it"},
		},
		{
			name:     "no engine behind the docker command",
			programs: map[string]string{"docker": "echo no daemon >&2; exit 1"},
			missing:  []string{"no engine", "no daemon", "TEST_INSTALL=0 forbids it"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := scripts(t, test.programs)
			t.Setenv("PATH", path+string(filepath.ListSeparator)+os.Getenv("PATH"))
			variables := map[string]string{"PATH": path, "URL": test.url, "TEST_INSTALL": "0"}
			finder := New(t.TempDir(), func(name string) string { return variables[name] }, t.Logf)
			engine := finder.server(t.Context(), kind)
			defer func() {
				if err := engine.Close(); err != nil {
					t.Error(err)
				}
			}()
			if engine.How != test.how {
				t.Errorf("got %q, want %q (%v)", engine.How, test.how, engine.Missing)
			}
			if (engine.Missing != nil) != (test.missing != nil) {
				t.Fatalf("missing because of: %v", engine.Missing)
			}
			for _, reason := range test.missing {
				if !strings.Contains(engine.Missing.Error(), reason) {
					t.Errorf("%q is not among the reasons %v", reason, engine.Missing)
				}
			}
		})
	}
}

// dockerScript imitates a Docker command that works.
const dockerScript = `case "$1" in
info) echo 99 ;;
run) echo container-id ;;
port) echo 127.0.0.1:49153 ;;
kill) [ "$2" = container-id ] ;;
*) exit 1 ;;
esac`

// scripts creates shell scripts and returns their folder.
func scripts(t *testing.T, programs map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, body := range programs {
		content := []byte("#!/bin/sh\n" + body + "\n")
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
