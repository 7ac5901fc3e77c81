package durability

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/database"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
	"superheroes/internal/sqlite"
	"superheroes/internal/web"
)

// The test binary runs itself as a server if this variable names a kind.
const kindVariable = "DURABILITY_TEST_SERVER"

const (
	honest = "honest" // the product's service on the product's store
	hasty  = "hasty"  // its broken twin, which acknowledges before it stores
)

func TestMain(m *testing.M) {
	kind, given := os.LookupEnv(kindVariable)
	if !given {
		os.Exit(m.Run())
	}
	if err := serve(kind, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hastyStore acknowledges at once and writes later.
type hastyStore struct {
	fight.Store
	later chan fight.Fight
}

func (s hastyStore) Insert(_ context.Context, f fight.Fight, _ []byte) error {
	s.later <- f
	return nil
}

// write stores what was acknowledged long ago.
func (s hastyStore) write() {
	for f := range s.later {
		if err := s.Store.Insert(context.Background(), f, f.AppendJSON(nil)); err != nil {
			panic(err)
		}
	}
}

// always picks the same item.
type always[T any] struct{ item T }

func (a always[T]) Random(context.Context) (T, error) { return a.item, nil }

func (a always[T]) Ready() (T, bool) { return a.item, true }

// serve serves fights until it is killed.
func serve(kind, addr, dir string) error {
	ctx := context.Background()
	kept, err := sqlite.OpenFights(ctx, filepath.Join(dir, "fights.db"), database.SQLiteFight, false)
	if err != nil {
		return err
	}
	var store fight.Store = kept
	if kind == hasty {
		twin := hastyStore{kept, make(chan fight.Fight, 1000)}
		go twin.write()
		store = twin
	}
	sources := fight.Sources{
		Heroes:    always[character.Character]{character.Heroes().Example},
		Villains:  always[character.Character]{character.Villains().Example},
		Locations: always[location.Location]{location.Locations().Example},
	}
	service, err := fight.NewService(ctx, sources, store)
	if err != nil {
		return err
	}
	cfg := httpserver.Config{Deadline: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := httpserver.Listen(ctx, "fights", addr, cfg, log)
	if err != nil {
		return err
	}
	api := httpserver.NewAPI(huma.Info{Title: "fights", Version: "0"}, log, cfg)
	web.AddFights(service, api)
	api.AddHealth(httpserver.Health{Service: "fights", Engine: "sqlite", Store: store.Ping, Draining: server.Draining})
	server.Serve(api)
	select {}
}
