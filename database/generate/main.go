// Generate writes the files that a new database server runs once to create a service's database, with the same tables
// and the same roster that the service itself would create.
//
//	go run ./database/generate
//
// A test fails if a file is out of date.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/location"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes all files below root, the root of the repository.
func run(root string) error {
	made, err := files()
	if err != nil {
		return err
	}
	for name, content := range made {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("creating the directory for %s: %w", name, err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// files returns the contents of all generated files, keyed by their path in the repository.
func files() (map[string]string, error) {
	made := map[string]string{"database/fights-db/initialize-database.js": fights}
	heroes, err := postgres(character.Heroes(), database.Heroes())
	if err != nil {
		return nil, err
	}
	villains, err := postgres(character.Villains(), database.Villains())
	if err != nil {
		return nil, err
	}
	locations, err := mariadb(location.Locations(), database.Locations())
	if err != nil {
		return nil, err
	}
	made["database/heroes-db/init/heroes.sql"] = heroes
	made["database/villains-db/init/villains.sql"] = villains
	made["database/locations-db/init/initialize-tables.sql"] = locations
	return made, nil
}

const header = "-- Made by `go run ./database/generate`; change database/roster or database/schema instead.\n"

// postgres returns the PostgreSQL script for a catalog. The script is a single transaction, and sets the sequence so
// that it continues after the roster's highest id.
func postgres[T catalog.Item](kind catalog.Kind[T], roster []byte) (string, error) {
	rows, highest, err := inserts(kind.Table, roster, quotePostgres)
	if err != nil {
		return "", err
	}
	return header + "SET client_encoding = 'UTF8';\nBEGIN;\n\n" +
		tables(database.PostgreSQL, kind.Table.Name) + "\n" + rows +
		fmt.Sprintf("\nSELECT setval('%s', %d);\n\nCOMMIT;\n", kind.Table.Sequence, highest), nil
}

// mariadb returns the MariaDB or MySQL script for a catalog. AUTO_INCREMENT automatically continues after the highest
// id.
func mariadb[T catalog.Item](kind catalog.Kind[T], roster []byte) (string, error) {
	rows, _, err := inserts(kind.Table, roster, quoteMySQL)
	if err != nil {
		return "", err
	}
	return header + "SET NAMES utf8mb4;\n\n" +
		tables(database.MySQL, kind.Table.Name) + "\n" + rows, nil
}

// tables returns the schema's statements, without the leading comment, which is meant only for people who edit the
// schema.
func tables(schema, table string) string {
	for strings.HasPrefix(schema, "--") {
		_, schema, _ = strings.Cut(schema, "\n")
	}
	return strings.ReplaceAll(schema, "{table}", table)
}

// inserts returns an INSERT statement for the whole roster, and the roster's
// highest id.
func inserts[T catalog.Item](table catalog.Table[T], roster []byte, quote func(string) string) (string, int64, error) {
	var rows []string
	var highest int64
	for line := range bytes.Lines(roster) {
		var item T
		if err := json.Unmarshal(line, &item); err != nil {
			return "", 0, fmt.Errorf("reading the roster of %s: %w", table.Name, err)
		}
		highest = max(highest, item.Key())
		rows = append(rows, "("+strings.Join(literals(table, item, quote), ", ")+")")
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES\n%s;\n",
		table.Name, strings.Join(table.Columns, ", "), strings.Join(rows, ",\n")), highest, nil
}

// literals returns an item's values as SQL literals.
func literals[T any](table catalog.Table[T], item T, quote func(string) string) []string {
	fields := table.Fields(&item)
	texts := make([]string, len(fields))
	for i, column := range table.Columns {
		texts[i] = table.Value(item, column)
		if _, isText := fields[i].(*string); isText {
			texts[i] = quote(texts[i])
		}
	}
	return texts
}

// quotePostgres returns a standard SQL string literal.
func quotePostgres(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quoteMySQL returns a string literal for MySQL and MariaDB, which also require backslashes to be escaped.
func quoteMySQL(text string) string {
	return quotePostgres(strings.ReplaceAll(text, `\`, `\\`))
}

// fights is the MongoDB script that creates the user for the fights and statistics services, and the indexes that the
// statistics service would otherwise create itself.
const fights = "// Made by `go run ./database/generate`.\n" + `db.getSiblingDB('fights').createUser({
  user: 'superfight',
  pwd: 'superfight',
  roles: [{ role: 'readWrite', db: 'fights' }],
});
db.getSiblingDB('fights').fights.createIndex({ counted: 1, _id: 1 });
db.getSiblingDB('fights').statistics_winners.createIndex({ wins: -1, name: 1, team: 1 });
db.getSiblingDB('fights').statistics_places.createIndex({ fights: -1, name: 1 });
`
