// Package app assembles the program: configuration, stores, services and servers. Package app is the only package that
// depends on all others; only the command line and tests import it.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"

	"superheroes/internal/bounded"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
	"superheroes/internal/logging"
	"superheroes/internal/otlp"
	"superheroes/internal/telemetry"
)

// App is a set of running services, which Stop shuts down.
type App struct {
	// OnStarting and OnServing report the progress of Up, and may be nil. OnStarting is called once all ports and the
	// data folder are available, before any store is opened. OnServing is called for each service that begins to serve
	// with a store that works. Neither is called concurrently.
	OnStarting func()
	OnServing  func(Endpoint)

	mu       sync.Mutex // guards closers, and serializes calls to OnServing
	version  string
	stderr   io.Writer
	parts    []*part
	admin    *part               // nil if there is no admin listener
	registry *telemetry.Registry // nil if there are no metrics
	export   otlp.Config         // where to send metrics and spans
	spans    *otlp.Spans         // nil if tracing is off
	exporter *otlp.Exporter      // nil if nothing is sent
	damaged  damage
	closers  []func() error
	logs     []*slog.Logger
}

// New returns an App without services. The services log to stderr.
func New(version string, stderr io.Writer) *App {
	return &App{version: version, stderr: logging.Shared(stderr)}
}

// Up starts every service in this process. A catalog is served as soon as its store is open, everything else once all
// stores are. If Up fails, it leaves no service running.
func (a *App) Up(ctx context.Context, cfg UpConfig) (err error) {
	defer a.finish(&err)
	if err := a.startTelemetry(ctx, "superheroes", cfg.Server); err != nil {
		return err
	}
	parts, err := a.listenAll(ctx, cfg)
	if err != nil {
		return err
	}
	unlock, err := cfg.resolve(true)
	if err != nil {
		return err
	}
	a.atStop(unlock)
	if a.OnStarting != nil {
		a.OnStarting()
	}
	var sources fight.Sources
	stores, err := a.openAll(ctx, cfg.Stores, cfg.Deadline, cfg.Profile == Eco, &a.damaged, whenOpen{
		heroes: func(at openedCatalog[character.Character]) {
			sources.Heroes = startSource(ctx, parts, heroes(), at, cfg.CatalogConfig)
		},
		villains: func(at openedCatalog[character.Character]) {
			sources.Villains = startSource(ctx, parts, villains(), at, cfg.CatalogConfig)
		},
		locations: func(at openedCatalog[location.Location]) {
			sources.Locations = startSource(ctx, parts, locations(), at, cfg.CatalogConfig)
		},
	})
	if err != nil {
		return err
	}
	if !stores.embedded() {
		sources.Workers = a.workers()
	}
	stored := func() {}
	if cfg.Statistics {
		if stored, err = startCounting(ctx, parts["statistics"], stores.fights, cfg, &a.damaged); err != nil {
			return err
		}
	}
	err = startFights(ctx, parts["fights"], sources, stores.checks(), stores.fights, stored)
	if a.damaged.tolerate("fights", err) { // the store opened, but reading the fights or statistics revealed damage
		stores.fights.store = damagedFights{unusable{err}}
		err = startFights(ctx, parts["fights"], sources, stores.checks(), stores.fights, stored)
	}
	if err != nil {
		return err
	}
	if cfg.Arena {
		if err := startArena(parts["arena"], local(parts)); err != nil {
			return err
		}
	}
	a.startExport(cfg.Server)
	return a.damaged.report(parts)
}

// listenAll opens a listener for every service that the up command runs.
func (a *App) listenAll(ctx context.Context, cfg UpConfig) (map[string]*part, error) {
	endpoints := []Endpoint{
		{"heroes", cfg.HeroesAddr}, {"villains", cfg.VillainsAddr},
		{"locations", cfg.LocationsAddr}, {"fights", cfg.FightsAddr},
	}
	if cfg.Statistics {
		endpoints = append(endpoints, Endpoint{"statistics", cfg.StatisticsAddr})
	}
	if cfg.Arena {
		endpoints = append(endpoints, Endpoint{"arena", cfg.ArenaAddr})
	}
	parts := map[string]*part{}
	for _, at := range endpoints {
		p, err := a.listen(ctx, at, "--"+at.Service+"-addr", cfg.Server)
		if err != nil {
			return nil, err
		}
		p.api.Measure(p.metrics)
		parts[at.Service] = p
		a.parts = append(a.parts, p)
	}
	return parts, nil
}

// Service is the configuration of a service that runs in its own process.
type Service interface {
	endpoint() Endpoint
	server() Server
	start(ctx context.Context, p *part) error
}

// Run starts one service. The service calls its peers over HTTP. If Run fails, it leaves nothing running.
func (a *App) Run(ctx context.Context, service Service) (err error) {
	defer a.finish(&err)
	at := service.endpoint()
	if err := a.startTelemetry(ctx, at.Service, service.server()); err != nil {
		return err
	}
	p, err := a.listen(ctx, at, "--addr", service.server())
	if err != nil {
		return err
	}
	p.api.Measure(p.metrics)
	a.parts = append(a.parts, p)
	if err := service.start(ctx, p); err != nil {
		return err
	}
	a.startExport(service.server())
	return nil
}

// atStop registers a function that is called after the servers have stopped. The functions are called in reverse order
// of registration. atStop is safe for concurrent use.
func (a *App) atStop(closer func() error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closers = append(a.closers, closer)
}

// workers returns goroutines for concurrent fetches. The goroutines end when the app stops.
func (a *App) workers() *bounded.Workers {
	workers := new(bounded.Workers)
	a.atStop(func() error {
		workers.Close()
		return nil
	})
	return workers
}

// logger returns a logger with the given name, which Stop flushes.
func (a *App) logger(name string, cfg logging.Config) *slog.Logger {
	log := logging.New(a.stderr, name, cfg)
	a.logs = append(a.logs, log)
	return log
}

// finish completes a start: it makes all services serve, except those that already do. If the start has failed, finish
// stops everything instead.
func (a *App) finish(err *error) {
	if *err != nil {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = a.Stop(now)
		return
	}
	for _, p := range a.parts {
		p.complete()
	}
	for _, p := range a.parts {
		p.serve()
	}
}

// Stop drains all servers concurrently, closes the stores, and logs the pending counts of repeated log lines. If ctx
// ends, Stop aborts requests in flight.
func (a *App) Stop(ctx context.Context) error {
	var group sync.WaitGroup
	failures := make([]error, len(a.parts))
	for i, part := range a.parts {
		group.Go(func() { failures[i] = part.server.Shutdown(ctx) })
	}
	group.Wait()
	if a.exporter != nil { // sends the final figures
		failures = append(failures, a.exporter.Close())
	}
	if a.admin != nil { // after the services, so that it can tell how they drain
		failures = append(failures, a.admin.server.Shutdown(ctx))
	}
	for _, closer := range slices.Backward(a.closers) {
		failures = append(failures, closer())
	}
	for _, log := range a.logs {
		logging.Flush(log)
	}
	a.parts, a.admin, a.exporter, a.closers, a.logs = nil, nil, nil, nil, nil
	return errors.Join(failures...)
}

// Endpoint is a service with its listen address.
type Endpoint struct{ Service, Addr string }

// Endpoints returns the services and their addresses, with the actual port if port 0 was requested. The admin listener,
// if there is one, is the last.
func (a *App) Endpoints() (endpoints []Endpoint) {
	for _, part := range a.parts {
		endpoints = append(endpoints, part.endpoint())
	}
	if a.admin != nil {
		endpoints = append(endpoints, a.admin.endpoint())
	}
	return endpoints
}
