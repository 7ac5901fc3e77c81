package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
	"superheroes/internal/exchange"
	"superheroes/internal/httpserver"
)

// CatalogStore locates a catalog to import or export: by the URL of up's settings or of the service's own, or else in
// the data folder.
type CatalogStore struct {
	DataDir             string `default:"./superheroes-data" help:"Folder of the embedded store, used if no URL is given."`
	DatabaseURL         string `secret:"" help:"Store of heroes or villains: postgres://user:password@host:port/database or sqlite:PATH."`
	HeroesDatabaseURL   string `secret:"" help:"The same for heroes only, named as in up."`
	VillainsDatabaseURL string `secret:"" help:"The same for villains only, named as in up."`
	MysqlURL            string `secret:"" help:"Store of locations: mysql://user:password@host:port/database or sqlite:PATH."`
	LocationsMysqlURL   string `secret:"" help:"The same, named as in up."`
}

// An import or export is a single client of its store, which may still be starting.
const (
	transferConnections = 4
	transferWait        = 10 * time.Second
)

// store returns the settings of one catalog's store.
func (c CatalogStore) store(catalog string) store {
	type setting struct{ flag, url string }
	settings := map[string][]setting{
		"heroes":    {{"--heroes-database-url", c.HeroesDatabaseURL}, {"--database-url", c.DatabaseURL}},
		"villains":  {{"--villains-database-url", c.VillainsDatabaseURL}, {"--database-url", c.DatabaseURL}},
		"locations": {{"--locations-mysql-url", c.LocationsMysqlURL}, {"--mysql-url", c.MysqlURL}},
	}[catalog]
	at := store{poolMin: 1, poolMax: transferConnections, wait: transferWait}
	for _, s := range settings {
		if s.url != "" {
			at.url, at.flag = s.url, Setting(s.flag)
			return at
		}
	}
	at.url, at.flag, at.inDataDir = embeddedURL(c.DataDir, catalog), Setting("--data-dir"), true
	return at
}

// Place returns where a catalog is stored, for messages: host and port, or the file.
func (c CatalogStore) Place(catalog string) string {
	at, err := parseStoreURL(c.store(catalog).url, enginePostgreSQL, engineMySQL)
	if err != nil {
		return "its store"
	}
	return at.place
}

// ImportFile is one file to import.
type ImportFile struct {
	Name   string
	Format exchange.Format
	Open   func() (io.ReadCloser, error)
}

// ImportOptions say how to import.
type ImportOptions struct {
	Replace bool                           // empty the catalog first
	Partial bool                           // import the valid rows even if others are refused
	Refused func(file string, cause error) // called for each refused row, in order, with an *exchange.LineError
}

// ImportResult counts rows.
type ImportResult struct{ Taken, Refused int }

// ErrNoRows means that the files contain no rows. Emptying a catalog for them would be a mistake.
var ErrNoRows = errors.New("the files contain no rows")

// ErrMaybeChanged means that the store did not confirm whether the import was stored.
var ErrMaybeChanged = catalog.ErrMaybeWritten

// ErrNothingChanged means that rows were refused and a partial import was not allowed.
var ErrNothingChanged = errors.New("nothing was changed")

// Import writes the rows of files into the catalog of heroes, villains or locations, in one transaction.
func Import(ctx context.Context, name string, from CatalogStore, files []ImportFile, options ImportOptions) (ImportResult, error) {
	at := from.store(name)
	if at.inDataDir {
		if err := makeFolder(from.DataDir); err != nil {
			return ImportResult{}, err
		}
	}
	switch name {
	case "heroes":
		return importInto(ctx, heroes(), at, files, options)
	case "villains":
		return importInto(ctx, villains(), at, files, options)
	}
	return importInto(ctx, locations(), at, files, options)
}

func importInto[T catalog.Item](ctx context.Context, kind kindOfCatalog[T], at store, files []ImportFile, options ImportOptions) (result ImportResult, err error) {
	target, err := openCatalog(ctx, kind, at)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	err = target.Import(ctx, options.Replace, func(put func(T) error) error {
		for _, file := range files {
			if err := importFile(kind, file, put, options.Refused, &result); err != nil {
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

// importFile imports the rows of one file. A refused row is reported and counted; any other error ends the import.
func importFile[T catalog.Item](kind kindOfCatalog[T], file ImportFile, put func(T) error, refused func(string, error), result *ImportResult) error {
	source, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // opened only for reading
	for row, err := range exchange.Read(source, file.Format, kind.schema()) {
		if err != nil {
			return err
		}
		if err = row.Err; err == nil {
			err = taken(row.Line, row.Item, put)
		}
		switch {
		case err == nil:
			result.Taken++
		case row.Err != nil, errors.Is(err, catalog.ErrRefused):
			result.Refused++
			refused(file.Name, err)
		default:
			return err
		}
	}
	return nil
}

// taken checks and puts one item.
func taken[T catalog.Item](line int, item T, put func(T) error) error {
	var wrong []string
	item.Check(func(field, message string) { wrong = append(wrong, field+" "+message) })
	if len(wrong) > 0 {
		return &exchange.LineError{Line: line, Err: fmt.Errorf("%w: %s", catalog.ErrRefused, strings.Join(wrong, "; "))}
	}
	err := put(item)
	if errors.Is(err, catalog.ErrRefused) {
		return &exchange.LineError{Line: line, Err: err}
	}
	return err
}

// Export writes the catalog of heroes, villains or locations to w, by id.
func Export(ctx context.Context, name string, from CatalogStore, format exchange.Format, w io.Writer) error {
	at := from.store(name)
	if strings.HasPrefix(at.url, "sqlite:") {
		if _, err := os.Stat(from.Place(name)); err != nil {
			return fmt.Errorf("there is no store to export: %w (%s)", err, at.flag)
		}
	}
	switch name {
	case "heroes":
		return exportFrom(ctx, heroes(), at, format, w)
	case "villains":
		return exportFrom(ctx, villains(), at, format, w)
	}
	return exportFrom(ctx, locations(), at, format, w)
}

func exportFrom[T catalog.Item](ctx context.Context, kind kindOfCatalog[T], at store, format exchange.Format, w io.Writer) (err error) {
	source, err := openCatalog(ctx, kind, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	service := catalog.NewService(kind.Kind, source, 0)
	defer service.Close()
	writer := exchange.NewWriter(w, format, kind.schema())
	step := func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	for page, err := range service.Pages(catalog.Selection{}, step) {
		if err != nil {
			return err
		}
		for _, item := range page {
			if err := writer.Write(item); err != nil {
				return err
			}
		}
	}
	return writer.Flush()
}

// schema describes how the catalog's items are represented in files.
func (k kindOfCatalog[T]) schema() exchange.Schema[T] {
	return exchange.Schema[T]{
		Table:      k.Table.Name,
		Columns:    k.Table.Names(),
		MySQL:      k.engine == engineMySQL,
		Set:        k.Table.Set,
		Get:        k.Table.Value,
		Decode:     decodeLine[T],
		AppendJSON: func(dst []byte, item T) []byte { return item.AppendJSON(dst) },
	}
}

// decodeLine decodes one line of a file like a request body, except that it refuses unknown fields: otherwise nobody
// would notice the loss.
func decodeLine[T any](line []byte) (T, error) {
	var item T
	err := httpserver.DecodeJSON(line, &item, json.RejectUnknownMembers(true))
	if err != nil {
		err = errors.New(strings.TrimPrefix(err.Error(), "body."))
	}
	return item, err
}

// Migrate creates missing tables and fills them with the shipped roster. It calls report for each store.
func Migrate(ctx context.Context, cfg Stores, report func(service, engine string)) (err error) {
	unlock, err := cfg.resolve(false)
	if err != nil {
		return err
	}
	a := &App{}
	a.atStop(unlock)
	defer func() { err = errors.Join(err, a.Stop(ctx)) }()
	all, err := a.openAll(ctx, cfg, 0, false, nil)
	if err != nil {
		return err
	}
	report("heroes", all.heroes.engine)
	report("villains", all.villains.engine)
	report("locations", all.locations.engine)
	report("fights", all.fights.engine)
	return nil
}

// Describe returns where the stores are, for the first lines that up prints.
func (s Stores) Describe() string {
	if s.Heroes.DatabaseURL != "" && s.Villains.DatabaseURL != "" && s.Locations.MysqlURL != "" && s.Fights.MongodbURL != "" {
		return "in the configured databases"
	}
	dir, err := filepath.Abs(s.DataDir)
	if err != nil {
		return s.DataDir
	}
	return dir
}
