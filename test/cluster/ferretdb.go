package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	_ "modernc.org/sqlite"
)

// indexed are the collections whose documents the services update by id.
func indexed() []string { return []string{"fights", "statistics_winners", "statistics_places"} }

// indexIDs makes the collections in a new database of FerretDB, and an index by id for each. The index by id that FerretDB 1.24
// makes is on another expression than its updates and reads use, so that SQLite reads all documents for each: with 4,000 fights,
// counting 200 per second occupied a core. MongoDB needs no such index.
func indexIDs(ctx context.Context, location *url.URL) error {
	client, err := mongo.Connect(options.Client().ApplyURI(location.String()))
	if err != nil {
		return errors.New("the URL of a database can't be used") // it may contain a password
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	name := strings.TrimPrefix(location.Path, "/")
	for _, collection := range indexed() {
		if err := client.Database(name).CreateCollection(ctx, collection); err != nil {
			return fmt.Errorf("creating the collection %s: %w", collection, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(os.TempDir(), "*", "data", name+".sqlite"))
	if err != nil || len(files) != 1 {
		return errors.Join(fmt.Errorf("FerretDB has %d files for the database %s, want 1", len(files), name), err)
	}
	return indexTables(ctx, files[0])
}

// indexTables makes an index by id for each table of collections in FerretDB's file.
func indexTables(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, collection := range indexed() {
		var table string
		const find = `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE ? || '\_%' ESCAPE '\' ORDER BY length(name) LIMIT 1`
		if err := db.QueryRowContext(ctx, find, strings.ReplaceAll(collection, "_", `\_`)).Scan(&table); err != nil {
			return fmt.Errorf("finding the table of the collection %s: %w", collection, err)
		}
		if _, err := db.ExecContext(ctx, fmt.Sprintf(`CREATE INDEX %q ON %q (_ferretdb_sjson->'$._id')`, "by_id_"+table, table)); err != nil {
			return fmt.Errorf("indexing %s: %w", table, err)
		}
	}
	return nil
}
