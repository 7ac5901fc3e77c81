package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofrs/flock"
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

// retryInterval is how often opening an unavailable store is retried at startup.
const retryInterval = 500 * time.Millisecond

// kindOfCatalog is a kind of catalog with what only this package combines: engine, schema and roster.
type kindOfCatalog[T catalog.Item] struct {
	catalog.Kind[T]
	engine       string // besides SQLite
	sqliteSchema string
	roster       []byte // JSON lines
	synthetic    func(seed uint64) iter.Seq[T]
}

func heroes() kindOfCatalog[character.Character] {
	return kindOfCatalog[character.Character]{character.Heroes(), enginePostgreSQL, database.SQLiteCharacter, database.Heroes(), synthetic.Heroes}
}

func villains() kindOfCatalog[character.Character] {
	return kindOfCatalog[character.Character]{character.Villains(), enginePostgreSQL, database.SQLiteCharacter, database.Villains(), synthetic.Villains}
}

func locations() kindOfCatalog[location.Location] {
	return kindOfCatalog[location.Location]{location.Locations(), engineMySQL, database.SQLiteLocation, database.Locations(), synthetic.Locations}
}

// catalogStore and fightStore are opened stores with the names of their engines.
type (
	catalogStore[T catalog.Item] struct {
		catalog.Store[T]
		engine string
	}
	fightStore struct {
		fight.Store
		engine string
	}
)

// openCatalog opens the store of a catalog. It creates and fills the table if it is missing.
func openCatalog[T catalog.Item](ctx context.Context, kind kindOfCatalog[T], cfg store) (catalogStore[T], error) {
	at, err := parseStoreURL(cfg.url, kind.engine)
	if err != nil {
		return catalogStore[T]{}, fmt.Errorf("%s: %w (%s)", kind.Plural, err, cfg.flag)
	}
	opened, err := openWithRetry(ctx, kind.Plural, at, cfg, func(ctx context.Context) (catalog.Store[T], error) {
		switch at.engine {
		case enginePostgreSQL:
			return asStore(postgres.Open(ctx, kind.Table, postgres.Config{
				URL: at.text, PoolMin: cfg.poolMin, PoolMax: cfg.poolMax, Schema: database.PostgreSQL, Deadline: cfg.deadline,
			}, kind.seed))
		case engineMySQL:
			return asStore(mariadb.Open(ctx, kind.Table, mariadb.Config{
				Driver: at.mysql, PoolMin: cfg.poolMin, PoolMax: cfg.poolMax, Schema: database.MySQL, Deadline: cfg.deadline,
			}, kind.seed))
		}
		return asStore(sqlite.OpenCatalog(ctx, at.place, kind.Table, kind.sqliteSchema, kind.seed))
	})
	return catalogStore[T]{opened, at.engine}, err
}

// asStore converts a concrete store to the interface; with an error it returns nil.
func asStore[T catalog.Item, S catalog.Store[T]](opened S, err error) (catalog.Store[T], error) {
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// seed puts the shipped roster.
func (k kindOfCatalog[T]) seed(put func(T) error) error {
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

// openFights opens the store of fights. With grouped, concurrent fights share one durable write.
func openFights(ctx context.Context, cfg store, grouped bool) (fightStore, error) {
	at, err := parseStoreURL(cfg.url, engineMongoDB)
	if err != nil {
		return fightStore{}, fmt.Errorf("fights: %w (%s)", err, cfg.flag)
	}
	opened, err := openWithRetry(ctx, "fights", at, cfg, func(ctx context.Context) (fightStore, error) {
		return openFightsOnce(ctx, at, cfg, grouped)
	})
	opened.engine = at.engine
	return opened, err
}

// openFightsOnce tries once to open the store of fights.
func openFightsOnce(ctx context.Context, at storeURL, cfg store, grouped bool) (fightStore, error) {
	if at.engine == engineMongoDB {
		s, err := mongodb.OpenFights(ctx, mongodb.Config{
			URL: at.text, SRVService: at.srvService, SRVHost: at.srvHost, Database: at.database,
			PoolMin: cfg.poolMin, PoolMax: cfg.poolMax, Grouped: grouped, Deadline: cfg.deadline,
		})
		if err != nil {
			return fightStore{}, err
		}
		return fightStore{s, at.engine}, nil
	}
	s, err := sqlite.OpenFights(ctx, at.place, database.SQLiteFight, grouped)
	if err != nil {
		return fightStore{}, err
	}
	return fightStore{asBuilt(ctx, s), at.engine}, nil
}

// openWithRetry opens a store, retrying while it is unavailable or locked. Errors that waiting can't cure are
// returned at once: a damaged store, another schema, or any other error of a file.
func openWithRetry[S any](ctx context.Context, service string, at storeURL, cfg store, open func(context.Context) (S, error)) (S, error) {
	attempt := ctx
	ctx, cancel := context.WithTimeout(ctx, cfg.wait)
	defer cancel()
	if at.engine != engineSQLite {
		attempt = ctx
	}
	end, _ := ctx.Deadline()
	var last error
	for {
		opened, err := open(attempt)
		switch {
		case err == nil:
			return opened, nil
		case errors.Is(err, storage.ErrDamaged), errors.Is(err, storage.ErrSchema), at.engine == engineSQLite && !errors.Is(err, storage.ErrBusy):
			return opened, &startError{fmt.Sprintf("%s: %s (%s)", service, oneLine(err), cfg.flag), err}
		case last == nil || ctx.Err() == nil && time.Until(end) > 0: // keep the cause rather than the expired deadline, which a dialer may notice first
			last = err
		}
		select {
		case <-ctx.Done():
			return opened, &startError{fmt.Sprintf("%s: the store at %s could not be opened within %s: %s (%s)",
				service, at.place, cfg.wait, oneLine(last), cfg.flag), last}
		case <-time.After(retryInterval):
		}
	}
}

// startError says in one line why a store could not be opened.
type startError struct {
	text string
	err  error
}

func (e *startError) Error() string { return e.text }

// Unwrap returns the store's own error.
func (e *startError) Unwrap() error { return e.err }

// oneLine joins the lines of a driver's message.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// opened holds the stores of all services.
type opened struct {
	heroes, villains catalogStore[character.Character]
	locations        catalogStore[location.Location]
	fights           fightStore
}

// openAll opens all stores concurrently, for requests with the given deadline. With grouped, concurrent fights share
// one durable write. A damaged store is recorded in damaged and replaced, so that the others still run; if damaged is
// nil, it is an error like any other.
func (a *App) openAll(ctx context.Context, cfg Stores, deadline time.Duration, grouped bool, damaged *damage) (all opened, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		all.heroes, err = openCatalog(ctx, heroes(), cfg.Heroes.store("heroes-").within(deadline))
		return all.heroes.tolerate(damaged, "heroes", err)
	})
	group.Go(func() (err error) {
		all.villains, err = openCatalog(ctx, villains(), cfg.Villains.store("villains-").within(deadline))
		return all.villains.tolerate(damaged, "villains", err)
	})
	group.Go(func() (err error) {
		all.locations, err = openCatalog(ctx, locations(), cfg.Locations.store("locations-").within(deadline))
		return all.locations.tolerate(damaged, "locations", err)
	})
	group.Go(func() (err error) {
		all.fights, err = openFights(ctx, cfg.Fights.store("fights-").within(deadline), grouped)
		if damaged.tolerate("fights", err) {
			all.fights, err = fightStore{damagedFights{err}, all.fights.engine}, nil
		}
		return err
	})
	err = group.Wait()
	for _, store := range []interface{ Close() error }{all.heroes.Store, all.villains.Store, all.locations.Store, all.fights.Store} {
		if store != nil {
			a.atStop(store.Close)
		}
	}
	return all, err
}

// tolerate replaces the store with one that fails with err if err means damage, which is recorded. It returns any
// other error.
func (s *catalogStore[T]) tolerate(damaged *damage, service string, err error) error {
	if !damaged.tolerate(service, err) {
		return err
	}
	s.Store = damagedCatalog[T]{err}
	return nil
}

// checks holds the readiness checks of parts, by service.
type checks map[string]func(context.Context) error

func (o opened) checks() checks {
	return checks{"heroes": o.heroes.Ping, "villains": o.villains.Ping, "locations": o.locations.Ping}
}

// embedded reports whether all catalogs are embedded.
func (o opened) embedded() bool {
	return o.heroes.engine == engineSQLite && o.villains.engine == engineSQLite && o.locations.engine == engineSQLite
}

// resolve gives every store without a URL its file in the data folder. Only if such a file is used, it creates the
// folder and, if exclusive, locks it; unlock releases the lock.
func (s *Stores) resolve(exclusive bool) (unlock func() error, err error) {
	unlock = func() error { return nil }
	embedded := false
	for name, url := range map[string]*string{
		"heroes": &s.Heroes.DatabaseURL, "villains": &s.Villains.DatabaseURL,
		"locations": &s.Locations.MysqlURL, "fights": &s.Fights.MongodbURL,
	} {
		if *url == "" {
			*url, embedded = embeddedURL(s.DataDir, name), true
		}
	}
	if !embedded {
		return unlock, nil
	}
	if err := makeFolder(s.DataDir); err != nil || !exclusive {
		return unlock, err
	}
	return lockFolder(s.DataDir)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("can't create the data folder %s: %w; choose another (%s)", dir, err, Setting("--data-dir"))
	}
	return nil
}

// embeddedURL returns the URL of a service's store in the data folder.
func embeddedURL(dir, service string) string { return "sqlite:" + databaseFile(dir, service) }

// lockFolder locks the folder for this process. The operating system releases the lock however the process ends.
func lockFolder(dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	taken, err := lock.TryLock()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) { // a read-only folder can still be read
		lock = flock.New(filepath.Join(dir, "lock"), flock.SetFlag(os.O_RDONLY))
		readOnly, failed := lock.TryLock()
		if _, none := databases(dir); none == nil && (failed == nil || errors.Is(failed, fs.ErrNotExist)) {
			taken, err = readOnly || failed != nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("can't write to the data folder %s: %w; choose another (%s)", dir, errors.Unwrap(err), Setting("--data-dir"))
	}
	if !taken {
		return nil, fmt.Errorf("the data folder %s is in use by another process; stop it, or choose another folder (%s)", dir, Setting("--data-dir"))
	}
	return lock.Close, nil
}
