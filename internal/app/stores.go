package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
	"superheroes/internal/mariadb"
	"superheroes/internal/mongodb"
	"superheroes/internal/postgres"
	"superheroes/internal/sqlite"
	"superheroes/internal/storage"
	"superheroes/internal/synthetic"
)

// retryInterval is the time between attempts to open an unavailable store at startup.
const retryInterval = 500 * time.Millisecond

// catalogKind is a kind of catalog with its database engine, schema and shipped roster.
type catalogKind[T catalog.Item] struct {
	catalog.Kind[T]
	engine       string // supported engine besides SQLite
	engineSchema string
	sqliteSchema string
	roster       []byte // JSON lines
	synthetic    func(seed uint64) iter.Seq[T]
}

func heroes() catalogKind[character.Character] {
	return catalogKind[character.Character]{
		character.Heroes(), enginePostgreSQL, database.PostgreSQL, database.SQLiteCharacter,
		database.Heroes(), synthetic.Heroes,
	}
}

func villains() catalogKind[character.Character] {
	return catalogKind[character.Character]{
		character.Villains(), enginePostgreSQL, database.PostgreSQL, database.SQLiteCharacter,
		database.Villains(), synthetic.Villains,
	}
}

func locations() catalogKind[location.Location] {
	return catalogKind[location.Location]{
		location.Locations(), engineMySQL, database.MySQL, database.SQLiteLocation,
		database.Locations(), synthetic.Locations,
	}
}

// opened is an open store with the name of its engine.
type opened[S any] struct {
	store  S
	engine string
}

type openedCatalog[T catalog.Item] = opened[catalog.Store[T]]

// openCatalog opens the store of a catalog. If the table is missing, openCatalog creates it with the shipped roster.
func openCatalog[T catalog.Item](ctx context.Context, kind catalogKind[T], cfg store) (openedCatalog[T], error) {
	return openStore(ctx, kind.Plural, cfg, func(ctx context.Context, at storeURL) (catalog.Store[T], error) {
		switch at.engine {
		case enginePostgreSQL:
			return postgres.Open(ctx, kind.Table, postgres.Config{
				URL: at.text, PoolMin: cfg.PoolMin, PoolMax: cfg.PoolMax,
				Schema: kind.engineSchema, Deadline: cfg.deadline,
			}, kind.seed)
		case engineMySQL:
			return mariadb.Open(ctx, kind.Table, mariadb.Config{
				Driver: at.mysql, PoolMin: cfg.PoolMin, PoolMax: cfg.PoolMax,
				Schema: kind.engineSchema, Deadline: cfg.deadline,
			}, kind.seed)
		}
		return sqlite.OpenCatalog(ctx, at.place, kind.Table, kind.sqliteSchema, kind.seed)
	})
}

// seed calls put for each entry of the shipped roster.
func (k catalogKind[T]) seed(put func(T) error) error {
	for line := range bytes.Lines(k.roster) {
		var item T
		if err := json.Unmarshal(line, &item); err != nil {
			return fmt.Errorf("reading the roster of %s: %w", k.Plural, err)
		}
		if err := put(item); err != nil {
			return err
		}
	}
	return nil
}

// openFights opens the fight store. If grouped is true, fights inserted concurrently share one durable write.
func openFights(ctx context.Context, cfg store, grouped bool) (opened[fight.Store], error) {
	return openStore(ctx, "fights", cfg, func(ctx context.Context, at storeURL) (fight.Store, error) {
		return openFightsOnce(ctx, at, cfg, grouped)
	})
}

// openFightsOnce opens the fight store without retrying.
func openFightsOnce(ctx context.Context, at storeURL, cfg store, grouped bool) (fight.Store, error) {
	if at.engine == engineMongoDB {
		return mongodb.OpenFights(ctx, mongodb.Config{
			URL: at.text, SRVService: at.srvService, SRVHost: at.srvHost, Database: at.database,
			PoolMin: cfg.PoolMin, PoolMax: cfg.PoolMax, Grouped: grouped, Deadline: cfg.deadline,
		})
	}
	return sqlite.OpenFights(ctx, at.place, database.SQLiteFight, grouped)
}

// openStore opens the store of a service, and retries while the store is unavailable or locked. openStore doesn't retry
// after errors that waiting can't fix: an invalid URL, a damaged store, the wrong schema, or any other error from a
// file. On error, the result contains only the name of the engine.
func openStore[S any](
	ctx context.Context, service string, cfg store, open func(context.Context, storeURL) (S, error),
) (opened[S], error) {
	at, err := parseStoreURL(cfg.url, cfg.engine)
	none := opened[S]{engine: at.engine}
	if err != nil {
		return none, fmt.Errorf("%s: %w (%s)", service, err, cfg.setting)
	}
	if err := makeFolder(cfg.folder); err != nil {
		return none, err
	}
	attempt := ctx
	ctx, cancel := context.WithTimeout(ctx, cfg.StoreWait)
	defer cancel()
	if at.engine != engineSQLite {
		attempt = ctx
	}
	end, _ := ctx.Deadline()
	var last error
	for {
		store, err := open(attempt, at)
		switch {
		case err == nil:
			return opened[S]{store, at.engine}, nil
		case errors.Is(err, storage.ErrDamaged), errors.Is(err, storage.ErrSchema),
			at.engine == engineSQLite && !errors.Is(err, storage.ErrBusy):
			return none, fmt.Errorf("%s: %w (%s)", service, oneLine{err}, cfg.setting)
		case last == nil || ctx.Err() == nil && time.Until(end) > 0:
			// Otherwise, keep the previous cause: a dialer may report only that the deadline has passed.
			last = err
		}
		select {
		case <-ctx.Done():
			return none, fmt.Errorf("%s: the store at %s could not be opened within %s: %w (%s)",
				service, at.place, cfg.StoreWait, oneLine{last}, cfg.setting)
		case <-time.After(retryInterval):
		}
	}
}

// oneLine wraps a driver's error, and formats it on one line.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }

// stores holds the open stores of all services.
type stores struct {
	heroes, villains openedCatalog[character.Character]
	locations        openedCatalog[location.Location]
	fights           opened[fight.Store]
}

// whenOpen contains the functions that openAll calls, concurrently, when it has opened a store.
type whenOpen struct {
	heroes, villains func(openedCatalog[character.Character])
	locations        func(openedCatalog[location.Location])
}

// openAll opens all stores concurrently, for requests with the given deadline. If grouped is true, concurrent fights
// share one durable write. A damaged store is recorded in damaged and replaced by a stand-in, so that the other
// services still run; if damaged is nil, openAll returns the error of a damaged store like any other error.
func (a *App) openAll(
	ctx context.Context, cfg Stores, deadline time.Duration, grouped bool, damaged *damage, then whenOpen,
) (all stores, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		at := cfg.Heroes.store("heroes-").within(deadline)
		return openTolerant(ctx, a, heroes(), at, damaged, &all.heroes, then.heroes)
	})
	group.Go(func() error {
		at := cfg.Villains.store("villains-").within(deadline)
		return openTolerant(ctx, a, villains(), at, damaged, &all.villains, then.villains)
	})
	group.Go(func() error {
		at := cfg.Locations.store("locations-").within(deadline)
		return openTolerant(ctx, a, locations(), at, damaged, &all.locations, then.locations)
	})
	group.Go(func() (err error) {
		all.fights, err = openFights(ctx, cfg.Fights.store("fights-").within(deadline), grouped)
		if damaged.tolerate("fights", err) {
			all.fights.store, err = damagedFights{unusable{err}}, nil
		}
		if err == nil {
			a.atStop(all.fights.store.Close)
		}
		return err
	})
	err = group.Wait()
	return all, err
}

// openTolerant opens the store of a catalog, and calls then unless it is nil. If the store is damaged, openTolerant
// records the error and opens a store whose methods all fail.
func openTolerant[T catalog.Item](
	ctx context.Context, a *App, kind catalogKind[T], cfg store, damaged *damage,
	into *openedCatalog[T], then func(openedCatalog[T]),
) (err error) {
	*into, err = openCatalog(ctx, kind, cfg)
	if damaged.tolerate(kind.Plural, err) {
		into.store, err = damagedCatalog[T]{unusable{err}}, nil
	}
	if err != nil {
		return err
	}
	a.atStop(into.store.Close)
	if then != nil {
		then(*into)
	}
	return nil
}

func (s stores) checks() checks {
	return checks{"heroes": s.heroes.store.Ping, "villains": s.villains.store.Ping, "locations": s.locations.store.Ping}
}

// embedded reports whether all catalogs are in embedded stores.
func (s stores) embedded() bool {
	return s.heroes.engine == engineSQLite && s.villains.engine == engineSQLite && s.locations.engine == engineSQLite
}
