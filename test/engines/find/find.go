// Package find gets the engines that the tests run against. For each it looks at an URL in the
// environment, at programs on this machine, at a Docker engine and, as root on Debian or Ubuntu, at
// what apt-get can install, and takes the first that works.
//
// Servers that it starts are private: their data lies in a temporary folder, they listen on free
// loopback ports, and they stop when the engine is closed. No system instance is touched or made.
package find

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// An Engine is one thing that tests need, found or missed.
type Engine struct {
	// Name is what a person calls it, with the version where it was found.
	Name string
	// How says where it comes from, in words that stand after the name.
	How string
	// Env holds the variables that tell the tests, as NAME=value.
	Env []string
	// PID is the process of a private server; 0 of one that somebody else started.
	PID int
	// Missing is why it can't be had; nil where it was found.
	Missing error
	// Remedy is how to get what is missing.
	Remedy string

	close []func() error
}

// Close stops what was started for the engine, last started first.
func (e *Engine) Close() error {
	var err error
	for i := len(e.close) - 1; i >= 0; i-- {
		err = errors.Join(err, e.close[i]())
	}
	e.close = nil
	return err
}

// Setting returns what the tests would be told in that variable, "" where it isn't this engine's.
func (e *Engine) Setting(variable string) string {
	for _, setting := range e.Env {
		if name, value, _ := strings.Cut(setting, "="); name == variable {
			return value
		}
	}
	return ""
}

// A Finder knows where to look.
type Finder struct {
	// Module is the folder of the project's go.mod.
	Module string
	// Getenv reads the environment.
	Getenv func(string) string
	// Say tells the user what is going on, one line at a time. It is called from several goroutines.
	Say func(format string, args ...any)

	machine machine
	docker  *docker
	apt     *apt
}

// New returns a finder for this machine.
func New(module string, getenv func(string) string, say func(string, ...any)) *Finder {
	return &Finder{
		Module:  module,
		Getenv:  getenv,
		Say:     say,
		machine: thisMachine(getenv("PATH")),
		docker:  &docker{},
		apt:     newApt(getenv, say),
	}
}

// All looks for every engine, all at the same time, and returns them in a fixed order. The caller
// closes them, also when ctx has ended.
func (f *Finder) All(ctx context.Context) []*Engine {
	return f.search(ctx, append(f.servers(), f.tool(pgbouncer()), f.tool(mariadbDump()), f.tool(nginx()), f.chromium)...)
}

// Servers looks for the database servers only.
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
		f.Say("%s: not found, tests that need it are skipped", engine.Name)
		return
	}
	f.Say("%s: %s", engine.Name, engine.How)
}

// A source is one place to look for an engine.
type source struct {
	name string
	get  func(context.Context) (*Engine, error)
}

// first asks the sources in order and returns the first engine found. When there is none, the engine
// it returns says why each source had nothing.
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
