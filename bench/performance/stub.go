package performance

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kong"
	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/bounded"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
	"superheroes/internal/remote"
	"superheroes/internal/timerslack"
	"superheroes/internal/web"
)

// StubCommand runs a fights service that is assembled from the product's own packages, but has a store that discards
// everything. It shows the cost of a fight excluding the store, and is not part of the product. In reports, its results
// are marked as storing nothing.
type StubCommand struct {
	Addr              string            `env:"ADDR" required:"" help:"Address to listen on."`
	HeroesURL         string            `env:"HEROES_URL" required:""`
	VillainsURL       string            `env:"VILLAINS_URL" required:""`
	LocationsURL      string            `env:"LOCATIONS_URL" required:""`
	Peers             remote.Config     `embed:""`
	Slack             timerslack.Config `embed:""`
	httpserver.Config `embed:""`
}

// Run serves until ctx is canceled.
func (c *StubCommand) Run(ctx context.Context, k *kong.Kong) error {
	c.Slack.Raise()
	log := slog.New(slog.NewTextHandler(k.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	heroes := remote.New(character.Heroes(), c.HeroesURL, c.Peers)
	villains := remote.New(character.Villains(), c.VillainsURL, c.Peers)
	locations := remote.New(location.Locations(), c.LocationsURL, c.Peers)
	sources := fight.Sources{Heroes: heroes, Villains: villains, Locations: locations, Workers: new(bounded.Workers)}
	service, err := fight.NewService(ctx, sources, nothing{})
	if err != nil {
		return err
	}
	server, err := httpserver.Listen(ctx, "fights", c.Addr, c.Config, log)
	if err != nil {
		return err
	}
	api := httpserver.NewAPI(huma.Info{Title: "Fights without a store", Version: "0"}, log, c.Config)
	web.AddFights(service, api)
	api.AddHealth(httpserver.Health{
		Service: "fights", Engine: "none: it stores nothing", Store: nothing{}.Ping, Draining: server.Draining,
	})
	server.Serve(api)
	<-ctx.Done()
	return server.Shutdown(context.Background())
}

// nothing is a fight store that discards everything.
type nothing struct{}

func (nothing) Insert(context.Context, fight.Fight, []byte) error { return nil }
func (nothing) Get(context.Context, fight.ID) (fight.Fight, error) {
	return fight.Fight{}, fight.ErrNotFound
}
func (nothing) Page(context.Context, fight.ID, int) ([]fight.Fight, error) { return nil, nil }
func (nothing) Count(context.Context) (int64, error)                       { return 0, nil }
func (nothing) Last(context.Context) (fight.ID, error)                     { return fight.ID{}, nil }
func (nothing) Ping(context.Context) error                                 { return nil }
func (nothing) Close() error                                               { return nil }
