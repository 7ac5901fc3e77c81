package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
	"superheroes/internal/logging"
	"superheroes/internal/remote"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
	"superheroes/internal/web"
	"superheroes/internal/web/arena"
)

// part is a service that is being started: a server that is already listening, and the API to which routes are added.
type part struct {
	app     *App
	name    string
	profile Profile
	log     *slog.Logger
	server  *httpserver.Server
	api     *httpserver.API
	metrics *telemetry.Metrics // nil without an admin listener

	completed, served bool // complete or serve was called
}

// listen opens the listener of a service. flag is the name of the flag that sets the service's address.
func (a *App) listen(ctx context.Context, at Endpoint, flag string, cfg Server) (*part, error) {
	log := a.logger(at.Service, cfg.Log)
	server, err := httpserver.Listen(ctx, at.Service, at.Addr, cfg.Config, log)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address (%s)", err, Setting(flag))
	}
	p := &part{
		app: a, name: at.Service, profile: cfg.Profile, log: log, server: server,
		api: newAPI(at.Service, a.version, cfg.Config, log), metrics: a.registry.Service(at.Service),
	}
	return p, nil
}

// complete adds the documentation and the metrics that every service has. Call it after all routes have been added;
// further calls have no effect.
func (p *part) complete() {
	if p.completed {
		return
	}
	p.completed = true
	if p.name != "arena" { // the arena has a page instead of an API
		p.api.AddDocs()
	}
	p.measure()
}

// serve makes a complete service respond to requests. Further calls have no effect.
func (p *part) serve() {
	if p.served {
		return
	}
	p.served = true
	p.server.Serve(p.api)
	if p.app.OnServing != nil && p.app.damaged.of(p.name) == nil {
		p.app.mu.Lock()
		defer p.app.mu.Unlock()
		p.app.OnServing(p.endpoint())
	}
}

// endpoint returns the service's address, with the actual port if port 0 was requested.
func (p *part) endpoint() Endpoint { return Endpoint{p.name, p.server.Addr()} }

// measure adds the metrics that every service has.
func (p *part) measure() {
	if p.metrics == nil {
		return
	}
	p.server.Measure(p.metrics)
	p.api.MeasureLimits()
	logging.Measure(p.log, p.metrics)
	p.metrics.Func(telemetry.BuildInfo, func() float64 { return 1 }, p.app.version, runtime.Version(), string(p.profile))
}

// measureStore adds the metrics of a store, if it has any.
func (p *part) measureStore(store any) {
	if store, ok := store.(interface{ Measure(*telemetry.Metrics) }); ok && p.metrics != nil {
		store.Measure(p.metrics)
	}
}

func (c HeroesConfig) endpoint() Endpoint     { return Endpoint{"heroes", c.Addr} }
func (c VillainsConfig) endpoint() Endpoint   { return Endpoint{"villains", c.Addr} }
func (c LocationConfig) endpoint() Endpoint   { return Endpoint{"locations", c.Addr} }
func (c FightConfig) endpoint() Endpoint      { return Endpoint{"fights", c.Addr} }
func (c StatisticsConfig) endpoint() Endpoint { return Endpoint{"statistics", c.Addr} }
func (c ArenaConfig) endpoint() Endpoint      { return Endpoint{"arena", c.Addr} }

// server implements the Service interface for all configurations that embed Server.
func (c Server) server() Server { return c }

func (c HeroesConfig) start(ctx context.Context, p *part) error {
	return startCatalogAlone(ctx, p, heroes(), c.store("").within(c.Deadline), c.CatalogConfig)
}

func (c VillainsConfig) start(ctx context.Context, p *part) error {
	return startCatalogAlone(ctx, p, villains(), c.store("").within(c.Deadline), c.CatalogConfig)
}

func (c LocationConfig) start(ctx context.Context, p *part) error {
	return startCatalogAlone(ctx, p, locations(), c.store("").within(c.Deadline), c.CatalogConfig)
}

func startCatalogAlone[T catalog.Item](
	ctx context.Context, p *part, kind catalogKind[T], at store, cfg CatalogConfig,
) error {
	opened, err := openCatalog(ctx, kind, at)
	if err != nil {
		return err
	}
	p.app.atStop(opened.store.Close)
	startCatalog(ctx, p, kind, opened, cfg)
	return nil
}

// startCatalog adds the routes of a catalog service.
func startCatalog[T catalog.Item](
	ctx context.Context, p *part, kind catalogKind[T], at openedCatalog[T], cfg CatalogConfig,
) *catalog.Service[T] {
	limit := cfg.SnapshotLimit
	if p.profile != Eco {
		limit = 0
	}
	service := catalog.NewService(kind.Kind, at.store, limit)
	service.Measure(p.metrics, at.engine)
	p.measureStore(at.store)
	p.app.atStop(func() error {
		service.Close()
		return nil
	})
	web.AddCatalog(service, p.api, httpserver.NewAdmin(cfg.AdminToken))
	p.warnOfReadOnly(ctx, at.store)
	p.addHealth(at.engine, at.store.Ping, nil)
	return service
}

// startSource starts a catalog service and makes it serve, and returns the source from which the fights service in this
// process picks.
func startSource[T catalog.Item](
	ctx context.Context, parts map[string]*part, kind catalogKind[T], at openedCatalog[T], cfg CatalogConfig,
) fight.Source[T] {
	p, fights := parts[kind.Plural], parts["fights"]
	service := startCatalog(ctx, p, kind, at, cfg)
	p.complete()
	p.serve()
	route := "GET /api/" + kind.Plural + "/random_" + kind.Singular
	return fight.Traced(service, fights.metrics.Tracer(), p.metrics.Tracer(), route)
}

// warnOfReadOnly logs a warning if a store reports that it doesn't accept writes. The check doesn't attempt a write.
func (p *part) warnOfReadOnly(ctx context.Context, store any) {
	if store, ok := store.(interface{ CheckWrites(context.Context) error }); ok {
		if err := store.CheckWrites(ctx); errors.Is(err, storage.ErrFull) {
			p.log.Warn("the store accepts no writes; reads are served", "cause", err)
		}
	}
	if store, ok := store.(interface{ Writable(context.Context) error }); ok {
		if err := store.Writable(ctx); err != nil {
			p.log.Warn("the store can be read but accepts no writes now", "cause", err)
		}
	}
}

func (c FightConfig) start(ctx context.Context, p *part) error {
	opened, err := openFights(ctx, c.store("").within(c.Deadline), c.Profile == Eco)
	if err != nil {
		return err
	}
	p.app.atStop(opened.store.Close)
	limits := c.Peers.Within(c.Deadline)
	heroes := remote.New(character.Heroes(), c.HeroesURL, limits)
	villains := remote.New(character.Villains(), c.VillainsURL, limits)
	locations := remote.New(location.Locations(), c.LocationsURL, limits)
	for _, peer := range []interface{ Close() error }{heroes, villains, locations} {
		p.app.atStop(peer.Close)
	}
	sources := fight.Sources{
		Heroes:    sourceOf(p, heroes),
		Villains:  sourceOf(p, villains),
		Locations: sourceOf(p, locations),
		Workers:   p.app.workers(),
	}
	peers := checks{"heroes": heroes.Check, "villains": villains.Check, "locations": locations.Check}
	return startFights(ctx, p, sources, peers, opened, func() {})
}

// sourceOf returns a source of randomly picked items from a peer. In the eco profile, the source fetches items in
// batches; otherwise, it fetches them one by one.
func sourceOf[T catalog.Item](p *part, peer *remote.Client[T]) fight.Source[T] {
	if p.profile == Eco {
		batches := remote.NewBatches(peer, p.log)
		batches.Measure(p.metrics)
		return batches
	}
	peer.Measure(p.metrics)
	return peer
}

// lastFightTimeout limits the first read of the fight store, which is a full scan if the server has no index on ids.
const lastFightTimeout = 30 * time.Second

// startFights adds the routes of the fights service. The service calls stored after each fight that it stores.
func startFights(
	ctx context.Context, p *part, sources fight.Sources, peers checks, at opened[fight.Store], stored func(),
) error {
	ctx, cancel := context.WithTimeout(ctx, lastFightTimeout)
	defer cancel()
	service, err := fight.NewService(ctx, sources, at.store)
	if err != nil {
		return fmt.Errorf("fights: %w", err)
	}
	service.OnStored(stored)
	service.Measure(p.metrics, at.engine)
	p.measureStore(at.store)
	if err := at.store.Ping(ctx); errors.Is(err, storage.ErrFull) {
		p.log.Warn("the store can be read but accepts no writes now", "cause", err)
	}
	web.AddFights(service, p.api)
	p.addHealth(at.engine, at.store.Ping, peers)
	return nil
}

func (c ArenaConfig) start(_ context.Context, p *part) error {
	services := map[string]arena.Part{}
	for name, base := range map[string]string{
		"heroes": c.HeroesURL, "villains": c.VillainsURL, "locations": c.LocationsURL,
		"fights": c.FightsURL, "statistics": c.StatisticsURL,
	} {
		proxy, err := remote.NewProxy(name, base, c.Peers, p.log)
		if err != nil {
			return err
		}
		proxy.Measure(p.metrics)
		p.app.atStop(proxy.Close)
		services[name] = proxy
	}
	return startArena(p, services)
}

// local wraps the services of this process so that the arena can call them without HTTP connections.
func local(parts map[string]*part) map[string]arena.Part {
	services := map[string]arena.Part{}
	for _, name := range arena.Parts() {
		if p := parts[name]; p != nil {
			services[name] = arena.Local{Handler: p.api, Tracer: parts["arena"].metrics.Tracer()}
		}
	}
	return services
}

// startArena adds the battle page, and the gateway to the services.
func startArena(p *part, services map[string]arena.Part) error {
	stopping, stop := context.WithCancel(context.Background())
	p.server.OnShutdown(stop)
	if err := arena.AddRoutes(stopping, p.api, services); err != nil {
		return err
	}
	peers := checks{}
	for name, service := range services {
		peers[name] = service.Check
	}
	p.addHealth("", nil, peers)
	return nil
}

// checks maps the names of other services to their readiness checks.
type checks map[string]func(context.Context) error

func (p *part) addHealth(engine string, ping func(context.Context) error, peers checks) {
	p.api.AddHealth(httpserver.Health{
		Service: p.name, Version: p.app.version, Profile: string(p.profile), Engine: engine,
		Store: ping, Peers: peers, Draining: p.server.Draining,
	})
}
