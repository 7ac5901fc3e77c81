package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
	"superheroes/internal/exchange"
	"superheroes/internal/httpserver"
)

// CatalogStore specifies where a catalog to import or export is stored: at a store URL or else in the data folder. The
// URL can be given with the flag of either the up command or the catalog's service.
type CatalogStore struct {
	DataDir             string `default:"./superheroes-data" help:"Folder of the embedded store, used if no URL is given."`
	DatabaseURL         string `secret:"" help:"Store of heroes or villains: postgres://user:password@host:port/database or sqlite:PATH."`
	HeroesDatabaseURL   string `secret:"" help:"Store of heroes; same flag and variable as for up."`
	VillainsDatabaseURL string `secret:"" help:"Store of villains; same flag and variable as for up."`
	MysqlURL            string `secret:"" help:"Store of locations: mysql://user:password@host:port/database or sqlite:PATH."`
	LocationsMysqlURL   string `secret:"" help:"Store of locations; same flag and variable as for up."`
}

// store returns the store configuration of the given catalog.
func (c CatalogStore) store(catalog string) store {
	own := urlFlag{"--database-url", c.DatabaseURL}
	switch catalog {
	case "heroes":
		heroes := urlFlag{"--heroes-database-url", c.HeroesDatabaseURL}
		return locate(enginePostgreSQL, c.DataDir, catalog, heroes, own)
	case "villains":
		villains := urlFlag{"--villains-database-url", c.VillainsDatabaseURL}
		return locate(enginePostgreSQL, c.DataDir, catalog, villains, own)
	}
	return locate(engineMySQL, c.DataDir, catalog,
		urlFlag{"--locations-mysql-url", c.LocationsMysqlURL}, urlFlag{"--mysql-url", c.MysqlURL})
}

// Place returns the location of a catalog's store, to be shown in messages: host and port, or the file.
func (c CatalogStore) Place(catalog string) string {
	at := c.store(catalog)
	parsed, err := parseStoreURL(at.url, at.engine)
	if err != nil {
		return "its store"
	}
	return parsed.place
}

// urlFlag is a flag for the URL of a store, with its value.
type urlFlag struct{ flag, url string }

// locate returns the configuration of a store for a command: the first URL that is set, or else the file in the data
// folder. The pool has one to four connections, and the command waits for a store that is still starting.
func locate(engine, dataDir, service string, flags ...urlFlag) store {
	at := store{engine: engine, Pool: Pool{PoolMin: 1, PoolMax: 4, StoreWait: 10 * time.Second}}
	for _, given := range flags {
		if given.url != "" {
			at.url, at.setting = given.url, Setting(given.flag)
			return at
		}
	}
	at.url, at.setting, at.folder = embeddedURL(dataDir, service), Setting("--data-dir"), dataDir
	return at
}

// mustExist returns an error if an embedded store doesn't exist, since opening it would create it.
func (s store) mustExist(missing string) error {
	at, err := parseStoreURL(s.url, s.engine)
	if err == nil && at.engine == engineSQLite {
		if _, err := os.Stat(at.place); err != nil {
			return fmt.Errorf("%s: %w (%s)", missing, err, s.setting)
		}
	}
	return nil // an invalid URL is reported when the store is opened
}

// transfers lists the operations on a catalog that don't depend on the type of its items.
type transfers interface {
	importInto(ctx context.Context, at store, files []ImportFile, options ImportOptions) (ImportResult, error)
	exportFrom(ctx context.Context, at store, format exchange.Format, w io.Writer) (rows int, err error)
	seedInto(ctx context.Context, at store, options SeedOptions) error
}

// catalogNamed returns the catalog with the name heroes, villains or locations.
func catalogNamed(name string) transfers {
	return map[string]transfers{"heroes": heroes(), "villains": villains(), "locations": locations()}[name]
}

// ImportFile is one file to import.
type ImportFile struct {
	Name   string
	Format exchange.Format
	Open   func() (io.ReadCloser, error)
}

// ImportOptions controls an import.
type ImportOptions struct {
	Replace bool                           // empty the catalog first
	Partial bool                           // import the valid rows even if others are refused
	Refused func(file string, cause error) // called for each refused row, in order, with an *exchange.LineError
}

// ImportResult counts rows.
type ImportResult struct{ Taken, Refused int }

// ErrNoRows means that the files contain no rows, so that replacing a catalog with them would only empty it.
var ErrNoRows = errors.New("the files contain no rows")

// ErrMaybeChanged means that the store did not confirm the import, so it is unknown whether the import was stored.
var ErrMaybeChanged = catalog.ErrMaybeWritten

// ErrNothingChanged means that rows were refused and a partial import was not allowed.
var ErrNothingChanged = errors.New("nothing was changed")

// Import imports files into the catalog of heroes, villains or locations, in one transaction.
func Import(
	ctx context.Context, name string, into CatalogStore, files []ImportFile, options ImportOptions,
) (ImportResult, error) {
	return catalogNamed(name).importInto(ctx, into.store(name), files, options)
}

func (k catalogKind[T]) importInto(
	ctx context.Context, at store, files []ImportFile, options ImportOptions,
) (result ImportResult, err error) {
	target, err := openCatalog(ctx, k, at)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, target.store.Close()) }()
	err = target.store.Import(ctx, options.Replace, func(put func(T) error) error {
		for _, file := range files {
			if err := k.importFile(file, put, options.Refused, &result); err != nil {
				return fmt.Errorf("%s: %w", file.Name, err)
			}
		}
		switch {
		case result.Taken+result.Refused == 0:
			return ErrNoRows
		case result.Refused > 0 && !options.Partial:
			return ErrNothingChanged
		}
		return nil
	})
	if err != nil {
		result.Taken = 0
	}
	return result, err
}

// importFile imports the rows of one file. It reports and counts refused rows; any other error stops the import.
func (k catalogKind[T]) importFile(
	file ImportFile, put func(T) error, refused func(string, error), result *ImportResult,
) error {
	source, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // closing a file opened for reading can't lose data
	for row, err := range exchange.Read(source, file.Format, k.schema()) {
		if err != nil {
			return err
		}
		if err = row.Err; err == nil {
			err = putChecked(row.Item, put)
		}
		switch {
		case err == nil:
			result.Taken++
			continue
		case errors.Is(err, catalog.ErrRefused):
			err = &exchange.LineError{Line: row.Line, Err: err}
		case row.Err == nil:
			return err
		}
		result.Refused++
		refused(file.Name, err)
	}
	return nil
}

// putChecked validates an item, and stores it if it is valid.
func putChecked[T catalog.Item](item T, put func(T) error) error {
	var wrong []string
	item.Check(func(field, message string) { wrong = append(wrong, field+" "+message) })
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", catalog.ErrRefused, strings.Join(wrong, "; "))
	}
	return put(item)
}

// Export writes the catalog of heroes, villains or locations to w, ordered by id, and returns the number of rows.
func Export(
	ctx context.Context, name string, from CatalogStore, format exchange.Format, w io.Writer,
) (rows int, err error) {
	at := from.store(name)
	if err := at.mustExist("there is no store to export"); err != nil {
		return 0, err
	}
	return catalogNamed(name).exportFrom(ctx, at, format, w)
}

func (k catalogKind[T]) exportFrom(
	ctx context.Context, at store, format exchange.Format, w io.Writer,
) (rows int, err error) {
	source, err := openCatalog(ctx, k, at)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, source.store.Close()) }()
	service := catalog.NewService(k.Kind, source.store, 0)
	defer service.Close()
	writer := exchange.NewWriter(w, format, k.schema())
	step := func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	for page, err := range service.Pages(catalog.Selection{}, step) {
		if err != nil {
			return rows, err
		}
		for _, item := range page {
			if err := writer.Write(item); err != nil {
				return rows, err
			}
		}
		rows += len(page)
	}
	return rows, writer.Flush()
}

// schema returns the description of how the catalog's items are represented in files.
func (k catalogKind[T]) schema() exchange.Schema[T] {
	return exchange.Schema[T]{
		Table:      k.Table.Name,
		Columns:    k.Table.Columns,
		MySQL:      k.engine == engineMySQL,
		Set:        k.Table.Set,
		Get:        k.Table.Value,
		Decode:     decodeLine[T],
		AppendJSON: func(dst []byte, item T) []byte { return item.AppendJSON(dst) },
	}
}

// decodeLine decodes one line of a file like a request body, except that it refuses unknown fields, whose loss would
// otherwise go unnoticed.
func decodeLine[T any](line []byte) (T, error) {
	var item T
	err := httpserver.DecodeJSON(line, &item, json.RejectUnknownMembers(true))
	if err != nil {
		err = errors.New(strings.TrimPrefix(err.Error(), "body."))
	}
	return item, err
}

// SeedOptions controls which roster is generated.
type SeedOptions struct {
	Count   int64  // number of entries to generate, at least 1
	Seed    uint64 // seed of the generator; equal seeds generate equal entries
	Replace bool   // empty the catalog first
	Taken   func() // called after each stored entry
}

// Seed generates a roster and writes it into the catalog of heroes, villains or locations, in one transaction. If the
// name of an entry is already taken, Seed generates another entry instead.
func Seed(ctx context.Context, name string, into CatalogStore, options SeedOptions) error {
	return catalogNamed(name).seedInto(ctx, into.store(name), options)
}

func (k catalogKind[T]) seedInto(ctx context.Context, at store, options SeedOptions) (err error) {
	target, err := openCatalog(ctx, k, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.store.Close()) }()
	return target.store.Import(ctx, options.Replace, func(put func(T) error) error {
		left := options.Count
		for item := range k.synthetic(options.Seed) {
			switch err := put(item); {
			case errors.Is(err, catalog.ErrTaken):
				continue
			case err != nil:
				return err
			}
			options.Taken()
			if left--; left == 0 {
				return nil
			}
		}
		return nil
	})
}

// Migrate creates missing tables and fills them with the shipped roster. Migrate calls report for each store.
func Migrate(ctx context.Context, cfg Stores, report func(service, engine string)) (err error) {
	unlock, err := cfg.resolve(false)
	if err != nil {
		return err
	}
	a := &App{}
	a.atStop(unlock)
	defer func() { err = errors.Join(err, a.Stop(ctx)) }()
	all, err := a.openAll(ctx, cfg, 0, false, nil, whenOpen{})
	if err != nil {
		return err
	}
	report("heroes", all.heroes.engine)
	report("villains", all.villains.engine)
	report("locations", all.locations.engine)
	report("fights", all.fights.engine)
	return nil
}
