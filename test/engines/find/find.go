// Package find locates or starts the engines that the tests run against. For each engine, the package uses the first of
// these sources that works: a URL in the environment, programs on this machine, a Docker engine and, as root on Debian
// or Ubuntu, apt-get.
//
// Servers that the package starts are private: their data is in a temporary folder, they listen on free loopback ports,
// and they stop when the engine is closed. The operating system's own server instances are never used, changed or
// created.
package find

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Engine is a server or program that tests need; if it wasn't found, the field Missing contains the reason.
type Engine struct {
	// Name is the display name, with the version if the engine was found.
	Name string
	// How describes where the engine was found, and is printed after the name.
	How string
	// Env holds environment variables for the tests, in the form NAME=value.
	Env []string
	// PID is the process ID of a private server, or 0 for a server that was already running.
	PID int
	// Missing is the reason why the engine isn't available, or nil if the engine was found.
	Missing error
	// Remedy describes how to provide a missing engine.
	Remedy string

	close []func() error
}

// Close stops everything that was started for the engine, in reverse order.
func (e *Engine) Close() error {
	var err error
	for i := len(e.close) - 1; i >= 0; i-- {
		err = errors.Join(err, e.close[i]())
	}
	e.close = nil
	return err
}

// Setting returns the value of a variable in Env, or "".
func (e *Engine) Setting(variable string) string {
	for _, setting := range e.Env {
		if name, value, _ := strings.Cut(setting, "="); name == variable {
			return value
		}
	}
	return ""
}

// Path returns the path of the main module.
func Path() string { return strings.TrimSuffix("superheroes/test/engines/find", "/test/engines/find") }

// Module returns the directory that contains the main module's go.mod, even when called from the bench module.
func Module(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", Path()).Output()
	if err != nil {
		return "", fmt.Errorf("finding the main module: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}

// Finder searches for engines.
type Finder struct {
	// Module is the directory that contains the main module's go.mod.
	Module string
	// Getenv returns the value of an environment variable.
	Getenv func(string) string
	// Say prints a progress message. It must be safe for concurrent use.
	Say func(format string, args ...any)

	machine machine
	docker  *docker
	apt     *apt
}

// New returns a Finder for this machine.
func New(module string, getenv func(string) string, say func(string, ...any)) *Finder {
	return &Finder{
		Module:  module,
		Getenv:  getenv,
		Say:     say,
		machine: machine{path: filepath.SplitList(getenv("PATH"))},
		docker:  &docker{},
		apt:     newApt(getenv, say),
	}
}

// All finds or starts every engine, concurrently, and returns the engines in a fixed order. The caller must close the
// engines, even if ctx has been canceled.
func (f *Finder) All(ctx context.Context) []*Engine {
	searches := f.servers()
	for _, t := range tools() {
		searches = append(searches, func(ctx context.Context) *Engine { return f.tool(ctx, t) })
	}
	return f.search(ctx, searches...)
}

// Servers is like All, but only for database servers.
func (f *Finder) Servers(ctx context.Context) []*Engine { return f.search(ctx, f.servers()...) }

func (f *Finder) servers() []func(context.Context) *Engine {
	return []func(context.Context) *Engine{
		func(ctx context.Context) *Engine { return f.server(ctx, postgresKind()) },
		func(ctx context.Context) *Engine { return f.server(ctx, mariadbKind()) },
		f.mongodb,
	}
}

func (f *Finder) search(ctx context.Context, searches ...func(context.Context) *Engine) []*Engine {
	engines := make([]*Engine, len(searches))
	var group sync.WaitGroup
	for i, search := range searches {
		group.Go(func() {
			engines[i] = search(ctx)
			f.report(engines[i])
		})
	}
	group.Wait()
	return engines
}

func (f *Finder) report(engine *Engine) {
	if engine.Missing != nil {
		f.Say("%s: not found; tests that need it are skipped", engine.Name)
		return
	}
	f.Say("%s: %s", engine.Name, engine.How)
}

// source is a way to provide an engine.
type source struct {
	name string
	get  func(context.Context) (*Engine, error)
}

// first tries the sources in order and returns the first engine found. If no source works, the returned engine's
// Missing contains the reasons for all sources.
func first(ctx context.Context, name, remedy string, sources ...source) *Engine {
	var reasons []error
	for _, source := range sources {
		engine, err := source.get(ctx)
		if err == nil {
			return engine
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", source.name, err))
	}
	return &Engine{Name: name, Missing: errors.Join(reasons...), Remedy: remedy}
}
