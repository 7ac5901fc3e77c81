package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/logging"
	"superheroes/internal/storage"
	"superheroes/internal/web"
	"superheroes/internal/web/arena"
)

// part is one service during its start: its server, which already listens, and its API, to which routes are added.
type part struct {
	name    string
	version string
	profile Profile
	log     *slog.Logger
	server  *httpserver.Server
	api     *httpserver.API
}

// listen starts listening for a service.
func (a *App) listen(ctx context.Context, name, addr, setting string, cfg Server) (*part, error) {
	log := logging.New(a.stderr, name, cfg.Log)
	server, err := httpserver.Listen(ctx, name, addr, cfg.Config, log)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address (%s)", err, setting)
	}
	p := &part{name: name, version: a.version, profile: cfg.Profile, log: log, server: server, api: newAPI(name, a.version, cfg.Config, log)}
	a.parts = append(a.parts, p)
	return p, nil
}

// startCatalog adds the routes of a catalog.
func startCatalog[T catalog.Item](ctx context.Context, a *App, p *part, kind kindOfCatalog[T], store catalogStore[T], cfg CatalogConfig) *catalog.Service[T] {
	limit := cfg.SnapshotLimit
	if p.profile != Eco {
		limit = 0
	}
	service := catalog.NewService(kind.Kind, store, limit)
	a.atStop(func() error {
		service.Close()
		return nil
	})
	if cautious, ok := store.Store.(interface{ CheckWrites(context.Context) error }); ok {
		if err := cautious.CheckWrites(ctx); errors.Is(err, storage.ErrFull) {
			p.log.Warn("the store takes no writes; reads are served", "cause", err)
		}
	}
	web.AddCatalog(service, p.api, httpserver.NewAdmin(cfg.AdminToken))
	p.warn(writable(store.Store))
	p.addHealth(store.engine, store.Ping, nil)
	return service
}

// lastFightTimeout limits the first read of the store of fights, which is a scan on a server without an index on ids.
const lastFightTimeout = 30 * time.Second

// startFights adds the routes of fights. stored is called after each stored fight.
func startFights(ctx context.Context, p *part, sources fight.Sources, peers checks, store fightStore, stored func()) error {
	ctx, cancel := context.WithTimeout(ctx, lastFightTimeout)
	defer cancel()
	service, err := fight.NewService(ctx, sources, store)
	if err != nil {
		return fmt.Errorf("fights: %w", err)
	}
	service.OnStored(stored)
	if err := store.Ping(ctx); errors.Is(err, storage.ErrFull) {
		p.warn(err)
	}
	web.AddFights(service, p.api)
	p.addHealth(store.engine, store.Ping, peers)
	return nil
}

// writable returns why a store rejects writes, if it can tell without a write.
func writable(store any) error {
	known, ok := store.(interface{ Writable(context.Context) error })
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastFightTimeout)
	defer cancel()
	return known.Writable(ctx)
}

// warn logs that a store is read-only, and why. It does nothing without a cause.
func (p *part) warn(cause error) {
	if cause != nil {
		p.log.Warn("the store can be read but takes no writes now", "cause", cause)
	}
}

// startArena adds the page, and the gateway to the services. It does nothing without a part.
func startArena(p *part, services map[string]arena.Part) error {
	if p == nil {
		return nil
	}
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

// local returns the services of this process in the form that the arena calls.
func local(parts map[string]*part) map[string]arena.Part {
	services := map[string]arena.Part{}
	for _, name := range arena.Parts() {
		if p := parts[name]; p != nil {
			services[name] = arena.Local{Handler: p.api}
		}
	}
	return services
}

func (p *part) addHealth(engine string, ping func(context.Context) error, peers checks) {
	p.api.AddHealth(httpserver.Health{
		Service: p.name, Version: p.version, Profile: string(p.profile), Engine: engine,
		Store: ping, Peers: peers, Draining: p.server.Draining,
	})
}

// serveParts starts serving the parts, all at the same moment.
func serveParts(parts ...*part) {
	for _, p := range parts {
		if p.name != "arena" { // the arena has a page, not an API of its own
			p.api.AddDocs()
		}
	}
	for _, p := range parts {
		p.server.Serve(p.api)
	}
}
