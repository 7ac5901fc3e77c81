// Package engines provides tests with real database servers, a real browser and other external programs. The package
// doesn't depend on the program under test.
//
// Postgres, MySQL and MongoDB return a fresh, empty database on a server that is already running: `make test` finds
// or starts the servers and sets environment variables that locate them. PostgresServer, MySQLServer and
// MongoDBServer start a private server for a test, which may stop and restart it.
//
// A test whose engine is missing is skipped with the reason, so that a plain `go test ./...` works everywhere. With
// TEST_STRICT=1, a missing engine fails the test instead.
package engines

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"testing"
	"time"
)

// The environment variables that locate the engines. `make test` sets all of them, except those that are already set.
const (
	PostgresURL = "TEST_POSTGRES_URL" // postgres://user:password@host:port/database, allowed to create databases
	MySQLURL    = "TEST_MYSQL_URL"    // mysql://user:password@host:port/, allowed to create databases
	MongoDBURL  = "TEST_MONGODB_URL"  // mongodb://host:port/
	Chrome      = "TEST_CHROMIUM"     // path of a Chromium or Chrome

	PostgresBin = "TEST_POSTGRES_BIN" // folder that contains initdb and postgres
	MariaDBBin  = "TEST_MARIADB_BIN"  // path of mariadbd
	MongodBin   = "TEST_MONGOD_BIN"   // path of mongod, which is preferred to FerretDB
	FerretDBBin = "TEST_FERRETDB_BIN" // path of the program built from tools/ferretdb

	PgBouncerBin = "TEST_PGBOUNCER_BIN" // path of pgbouncer
	MariaDBDump  = "TEST_MARIADB_DUMP"  // path of mariadb-dump
	NginxBin     = "TEST_NGINX_BIN"     // path of nginx

	// Strict, set to 1, makes a missing engine fail a test instead of skipping it.
	Strict = "TEST_STRICT"
)

// patience is the time limit for creating and for dropping a test's database.
const patience = 2 * time.Minute

// Postgres returns the URL of a fresh, empty database, dropped when the test ends.
func Postgres(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, setting(tb, "PostgreSQL", PostgresURL), createPostgres)
}

// MySQL returns the URL (mysql://user:password@host:port/database) of a fresh, empty database, dropped when the test
// ends. The database has the server's default character set, so tables must specify their own.
func MySQL(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, setting(tb, "MariaDB or MySQL", MySQLURL), createMySQL)
}

// MongoDB returns the URL of a fresh, empty database, dropped when the test ends.
func MongoDB(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, setting(tb, "a MongoDB-wire server", MongoDBURL), nameMongoDB)
}

// Chromium returns the path of a browser that can run headless. The browser needs the flag --no-sandbox when run as
// root.
func Chromium(tb testing.TB) string {
	tb.Helper()
	return setting(tb, "Chromium", Chrome)
}

// Dumper returns the path of mariadb-dump.
func Dumper(tb testing.TB) string {
	tb.Helper()
	return setting(tb, "mariadb-dump", MariaDBDump)
}

// Create creates a fresh, empty database on a server, for programs other than tests. The variable's name determines
// the kind of server. It returns the database's URL, and a function to drop it.
func Create(ctx context.Context, variable, server string) (url string, drop func(context.Context) error, err error) {
	create, known := map[string]creation{PostgresURL: createPostgres, MySQLURL: createMySQL, MongoDBURL: nameMongoDB}[variable]
	if !known {
		return "", nil, fmt.Errorf("%s names no server", variable)
	}
	return create(ctx, server, "test_"+random())
}

// creation creates a named database on the server at url. It returns the database's URL, and a function to drop it.
type creation func(ctx context.Context, url, name string) (string, func(context.Context) error, error)

func fresh(tb testing.TB, server string, create creation) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	url, drop, err := create(ctx, server, "test_"+random())
	if err != nil {
		tb.Fatalf("creating a fresh database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
		defer cancel()
		if err := drop(ctx); err != nil {
			tb.Errorf("dropping the test's database: %v", err)
		}
	})
	return url
}

// setting returns the variable's value. If the variable is unset, the test is skipped or, with TEST_STRICT=1, fails.
func setting(tb testing.TB, engine, variable string) string {
	tb.Helper()
	value := os.Getenv(variable)
	if value != "" {
		return value
	}
	const reason = "needs %s: %s is not set (`make test` finds or starts one)"
	if os.Getenv(Strict) == "1" {
		tb.Fatalf(reason, engine, variable)
	}
	tb.Skipf(reason, engine, variable)
	return ""
}

// random returns 12 hexadecimal digits, which suffice for unique database names and for the password of a temporary
// loopback server.
func random() string {
	digits := make([]byte, 6)
	_, _ = rand.Read(digits) // never returns an error; a failure would crash the program
	return hex.EncodeToString(digits)
}
