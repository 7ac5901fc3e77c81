package find

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"superheroes/test/engines"
)

// tool describes a program that the tests themselves run.
type tool struct {
	name     string // display name
	variable string // environment variable for the path
	names    []string
	folders  []string
	packages packages
}

// tools returns all tools. The browser can't run in a container, because the tests control it through a pipe. The
// browser also needs a font, because it displays no text without one.
func tools() []tool {
	system := []string{"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"}
	return []tool{
		{"PgBouncer", engines.PgBouncerBin, []string{"pgbouncer"}, system, packages{"pgbouncer"}},
		{"mariadb-dump", engines.MariaDBDump, []string{"mariadb-dump"}, system, packages{"mariadb-client"}},
		{"nginx", engines.NginxBin, []string{"nginx"}, system, packages{"nginx-light"}},
		{"Chromium", engines.Chrome, []string{
			"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "Google Chrome", "Chromium",
		}, append(system,
			"/opt/google/chrome", "/snap/bin",
			"/Applications/Google Chrome.app/Contents/MacOS", "/Applications/Chromium.app/Contents/MacOS",
		), packages{"chromium", "fonts-dejavu-core"}},
	}
}

// tool tries all sources for a tool.
func (f *Finder) tool(ctx context.Context, t tool) *Engine {
	given := func(ctx context.Context) (*Engine, error) {
		path := f.Getenv(t.variable)
		if path == "" {
			return nil, fmt.Errorf("%s is not set", t.variable)
		}
		return program(ctx, t.variable, path, "found at "+t.variable)
	}
	local := func(ctx context.Context) (*Engine, error) { return f.localTool(ctx, t) }
	installed := func(ctx context.Context) (*Engine, error) {
		if err := f.apt.install(ctx, t.packages); err != nil {
			return nil, err
		}
		return local(ctx)
	}
	remedy := "install " + t.name + " (Debian: apt-get install " + t.packages[0] + "), or set " + t.variable
	return first(ctx, t.name, remedy, source{"environment", given}, source{"local programs", local}, source{"apt-get", installed})
}

// localTool looks for programs with the tool's names on this machine, and returns the first program that works.
func (f *Finder) localTool(ctx context.Context, t tool) (*Engine, error) {
	var reasons error
	for _, name := range t.names {
		path, err := f.machine.find(programs{names: []string{name}, folders: t.folders})
		var engine *Engine
		if err == nil {
			engine, err = program(ctx, t.variable, path, "found "+path)
		}
		if err == nil {
			return engine, nil
		}
		reasons = errors.Join(reasons, err)
	}
	return nil, reasons
}

// program runs a program to get its version, because some programs with the right name are stubs that only explain how
// to install the real program. The returned engine sets the tool's environment variable to the program's path.
func program(ctx context.Context, variable, path, how string) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, "--version").Output()
	if filepath.Base(path) == "nginx" { // nginx has only short options, and prints its version to stderr
		output, err = exec.CommandContext(ctx, path, "-v").CombinedOutput()
	}
	if err != nil {
		return nil, fmt.Errorf("getting the version of %s: %w", path, err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	version, _, _ = strings.Cut(version, " built on")
	return &Engine{Name: version, How: how, Env: []string{variable + "=" + path}}, nil
}
