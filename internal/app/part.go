package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/logging"
)

// part is one service in the making: its server, which listens already, and its API, which gets its routes.
type part struct {
	name    string
	version string
	log     *slog.Logger
	profile Profile
	server  *httpserver.Server
	api     *httpserver.API
}

// listen begins to listen for a service.
func (a *App) listen(ctx context.Context, name, addr, flag string, cfg Server) (*part, error) {
	log := logging.New(a.stderr, name, cfg.Log)
	server, err := httpserver.Listen(ctx, name, addr, cfg.Config, log)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with %s", err, flag)
	}
	p := &part{name: name, version: a.version, log: log, profile: cfg.Profile, server: server, api: newAPI(name, a.version, cfg.Config, log)}
	a.parts = append(a.parts, p)
	return p, nil
}

// startCatalog gives a catalog's part its routes.
func startCatalog[T catalog.Item](a *App, p *part, kind kindOfCatalog[T], store catalogStore[T], snapshot Snapshot) *catalog.Service[T] {
	limit := snapshot.SnapshotLimit
	if p.profile != Eco {
		limit = 0
	}
	service := catalog.NewService(kind.Kind, store, limit)
	a.atStop(func() error {
		service.Close()
		return nil
	})
	service.AddRoutes(p.api)
	p.addHealth(store.engine, store.Ping, nil)
	return service
}

// lastFightTimeout bounds the first read of the store of fights. On a server without an index on ids it is a scan.
const lastFightTimeout = 30 * time.Second

// startFights gives the part of fights its routes.
func startFights(ctx context.Context, p *part, sources fight.Sources, peers checks, store fightStore) error {
	ctx, cancel := context.WithTimeout(ctx, lastFightTimeout)
	defer cancel()
	service, err := fight.NewService(ctx, sources, store)
	if err != nil {
		return fmt.Errorf("fights: %w", err)
	}
	service.AddRoutes(p.api)
	p.addHealth(store.engine, store.Ping, peers)
	return nil
}

func (p *part) addHealth(engine string, ping func(context.Context) error, peers checks) {
	p.api.AddHealth(httpserver.Health{
		Service: p.name, Version: p.version, Profile: string(p.profile), Engine: engine,
		Store: ping, Peers: peers, Draining: p.server.Draining,
	})
}

// finish lets the parts answer.
func finish(parts ...*part) error {
	for _, p := range parts {
		if err := p.api.AddDocs(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		p.server.Serve(p.api)
	}
	return nil
}
