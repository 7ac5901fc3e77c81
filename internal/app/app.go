// Package app puts the program together: configuration, stores, services, servers. It is the only package that knows
// all others; only the command line and tests know it.
package app

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
	"superheroes/internal/logging"
	"superheroes/internal/remote"
	"superheroes/internal/web/arena"
)

// App is a set of running services. Stop ends it.
type App struct {
	version string
	stderr  io.Writer
	parts   []*part
	closers []func() error
}

// New returns an App without services. Log lines go to stderr.
func New(version string, stderr io.Writer) *App {
	return &App{version: version, stderr: logging.Shared(stderr)}
}

// Up starts every service in this process. If it fails, nothing is left running.
func (a *App) Up(ctx context.Context, cfg UpConfig) (err error) {
	defer a.undo(&err)
	parts := map[string]*part{}
	type address struct{ name, addr string }
	addresses := []address{
		{"heroes", cfg.HeroesAddr}, {"villains", cfg.VillainsAddr}, {"locations", cfg.LocationsAddr}, {"fights", cfg.FightsAddr},
	}
	if cfg.Statistics {
		addresses = append(addresses, address{"statistics", cfg.StatisticsAddr})
	}
	if cfg.Arena {
		addresses = append(addresses, address{"arena", cfg.ArenaAddr})
	}
	for _, at := range addresses {
		if parts[at.name], err = a.listen(ctx, at.name, at.addr, Setting("--"+at.name+"-addr"), cfg.Server); err != nil {
			return err
		}
	}
	unlock, err := cfg.resolve(true)
	if err != nil {
		return err
	}
	a.atStop(unlock)
	var damaged damage
	opened, err := a.openAll(ctx, cfg.Stores, cfg.Deadline, cfg.Profile == Eco, &damaged)
	if err != nil {
		return err
	}
	sources := fight.Sources{
		Heroes:    startCatalog(ctx, a, parts["heroes"], heroes(), opened.heroes, cfg.CatalogConfig),
		Villains:  startCatalog(ctx, a, parts["villains"], villains(), opened.villains, cfg.CatalogConfig),
		Locations: startCatalog(ctx, a, parts["locations"], locations(), opened.locations, cfg.CatalogConfig),
		InTurn:    opened.embedded(),
	}
	stored := func() {}
	if cfg.Statistics {
		at := cfg.Fights.store("fights-")
		if stored, err = a.startCounting(ctx, parts["statistics"], opened.fights, at, cfg.UpStatistics, &damaged); err != nil {
			return err
		}
	}
	err = startFights(ctx, parts["fights"], sources, opened.checks(), opened.fights, stored)
	if damaged.tolerate("fights", err) { // opened, but found damaged when fights or statistics were read
		err = startFights(ctx, parts["fights"], sources, opened.checks(), fightStore{damagedFights{err}, opened.fights.engine}, stored)
	}
	if err != nil {
		return err
	}
	if err := startArena(parts["arena"], local(parts)); err != nil {
		return err
	}
	if err := damaged.report(parts); err != nil {
		return err
	}
	serveParts(a.parts...)
	return nil
}

// Heroes starts the heroes service on its own.
func (a *App) Heroes(ctx context.Context, cfg CharacterConfig) error {
	return startAlone(ctx, a, heroes(), cfg.Addr, cfg.Server, cfg.CatalogConfig, cfg.store(""))
}

// Villains starts the villains service on its own.
func (a *App) Villains(ctx context.Context, cfg CharacterConfig) error {
	return startAlone(ctx, a, villains(), cfg.Addr, cfg.Server, cfg.CatalogConfig, cfg.store(""))
}

// Locations starts the locations service on its own.
func (a *App) Locations(ctx context.Context, cfg LocationConfig) error {
	return startAlone(ctx, a, locations(), cfg.Addr, cfg.Server, cfg.CatalogConfig, cfg.store(""))
}

// startAlone starts the service of one catalog.
func startAlone[T catalog.Item](ctx context.Context, a *App, kind kindOfCatalog[T], addr string, cfg Server, settings CatalogConfig, at store) (err error) {
	defer a.undo(&err)
	part, err := a.listen(ctx, kind.Plural, addr, Setting("--addr"), cfg)
	if err != nil {
		return err
	}
	opened, err := openCatalog(ctx, kind, at.within(cfg.Deadline))
	if err != nil {
		return err
	}
	a.atStop(opened.Close)
	startCatalog(ctx, a, part, kind, opened, settings)
	serveParts(part)
	return nil
}

// Fights starts the fights service on its own. It reaches its peers over HTTP.
func (a *App) Fights(ctx context.Context, cfg FightConfig) (err error) {
	defer a.undo(&err)
	part, err := a.listen(ctx, "fights", cfg.Addr, Setting("--addr"), cfg.Server)
	if err != nil {
		return err
	}
	opened, err := openFights(ctx, cfg.store("").within(cfg.Deadline), cfg.Profile == Eco)
	if err != nil {
		return err
	}
	a.atStop(opened.Close)
	limits := cfg.Peers.Within(cfg.Deadline)
	heroes := remote.New(character.Heroes(), cfg.HeroesURL, limits)
	villains := remote.New(character.Villains(), cfg.VillainsURL, limits)
	locations := remote.New(location.Locations(), cfg.LocationsURL, limits)
	for _, peer := range []interface{ Close() error }{heroes, villains, locations} {
		a.atStop(peer.Close)
	}
	sources := fight.Sources{Heroes: sourceOf(part, heroes), Villains: sourceOf(part, villains), Locations: sourceOf(part, locations)}
	if err := startFights(ctx, part, sources, checks{"heroes": heroes.Check, "villains": villains.Check, "locations": locations.Check}, opened, func() {}); err != nil {
		return err
	}
	serveParts(part)
	return nil
}

// sourceOf returns the source of a peer's picks: in batches, or one by one in strict.
func sourceOf[T catalog.Item](p *part, peer *remote.Client[T]) fight.Source[T] {
	if p.profile == Eco {
		return remote.NewBatches(peer, p.log)
	}
	return peer
}

// Arena starts the battle page on its own. It reaches the services over HTTP.
func (a *App) Arena(ctx context.Context, cfg ArenaConfig) (err error) {
	defer a.undo(&err)
	part, err := a.listen(ctx, "arena", cfg.Addr, Setting("--addr"), cfg.Server)
	if err != nil {
		return err
	}
	services := map[string]arena.Part{}
	for name, base := range map[string]string{
		"heroes": cfg.HeroesURL, "villains": cfg.VillainsURL, "locations": cfg.LocationsURL,
		"fights": cfg.FightsURL, "statistics": cfg.StatisticsURL,
	} {
		remote, err := remote.NewProxy(name, base, cfg.Peers, part.log)
		if err != nil {
			return err
		}
		a.atStop(remote.Close)
		services[name] = remote
	}
	if err := startArena(part, services); err != nil {
		return err
	}
	serveParts(part)
	return nil
}

// atStop registers what to close after the servers have stopped, in reverse order.
func (a *App) atStop(closer func() error) { a.closers = append(a.closers, closer) }

// undo stops everything that was started if the start has failed.
func (a *App) undo(err *error) {
	if *err == nil {
		return
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = a.Stop(now)
}

// Stop drains all servers concurrently, closes the stores, and flushes the log's counts. If ctx ends, it aborts
// requests in flight.
func (a *App) Stop(ctx context.Context) error {
	var group sync.WaitGroup
	failures := make([]error, len(a.parts))
	for i, part := range a.parts {
		group.Go(func() { failures[i] = part.server.Shutdown(ctx) })
	}
	group.Wait()
	for _, closer := range slices.Backward(a.closers) {
		failures = append(failures, closer())
	}
	for _, part := range a.parts {
		logging.Flush(part.log)
	}
	a.parts, a.closers = nil, nil
	return errors.Join(failures...)
}

// Endpoint is a service and the address it listens on.
type Endpoint struct{ Service, Addr string }

// Endpoints returns the addresses of the services, with the actual port where 0 was requested.
func (a *App) Endpoints() []Endpoint {
	endpoints := make([]Endpoint, len(a.parts))
	for i, part := range a.parts {
		endpoints[i] = Endpoint{part.name, part.server.Addr()}
	}
	return endpoints
}
