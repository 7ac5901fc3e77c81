// Package engines gives tests access to real database servers, a real browser and other external programs. The package
// doesn't depend on the program under test.
//
// Postgres, MySQL and MongoDB return a fresh, empty database on a server that is already running: `make test` finds or
// starts the servers, and sets environment variables to their URLs. PostgresServer, MySQLServer and MongoDBServer start
// a private server for a test, which may stop and restart it.
//
// If the engine for a test is missing, the test is skipped and the reason is reported, so that a plain `go test ./...`
// works everywhere. With TEST_STRICT=1, a test whose engine is missing fails instead.
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

// Environment variables that contain the URLs or paths of the engines. `make test` sets each of these variables that is
// not yet set.
const (
	PostgresURL = "TEST_POSTGRES_URL" // postgres://user:password@host:port/database; the user must have CREATEDB
	MySQLURL    = "TEST_MYSQL_URL"    // mysql://user:password@host:port/; the user must be allowed to create databases
	MongoDBURL  = "TEST_MONGODB_URL"  // mongodb://host:port/
	Chrome      = "TEST_CHROMIUM"     // path of Chromium or Chrome

	PostgresBin = "TEST_POSTGRES_BIN" // folder that contains initdb and postgres
	MariaDBBin  = "TEST_MARIADB_BIN"  // path of mariadbd
	MongodBin   = "TEST_MONGOD_BIN"   // path of mongod, which is preferred to FerretDB
	FerretDBBin = "TEST_FERRETDB_BIN" // path of the program built from tools/ferretdb

	PgBouncerBin = "TEST_PGBOUNCER_BIN" // path of pgbouncer
	MariaDBDump  = "TEST_MARIADB_DUMP"  // path of mariadb-dump
	NginxBin     = "TEST_NGINX_BIN"     // path of nginx

	// Strict is the name of an environment variable. With the value 1, a test whose engine is missing fails instead of
	// being skipped.
	Strict = "TEST_STRICT"
)

// patience is the time limit for creating a test's database, and for dropping it.
const patience = 2 * time.Minute

// Postgres creates an empty database and returns the database's URL. The database is dropped when the test ends.
func Postgres(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, setting(tb, "PostgreSQL", PostgresURL), createPostgres)
}

// MySQL creates an empty database and returns the database's URL (mysql://user:password@host:port/database). The
// database is dropped when the test ends. The database has the server's default character set, so tables must specify
// their own.
func MySQL(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, setting(tb, "MariaDB or MySQL", MySQLURL), createMySQL)
}

// MongoDB creates an empty database and returns the database's URL. The database is dropped when the test ends.
func MongoDB(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, setting(tb, "a MongoDB-wire server", MongoDBURL), nameMongoDB)
}

// Chromium returns the path of a browser that can run headless. When run as root, the browser needs the --no-sandbox
// flag.
func Chromium(tb testing.TB) string {
	tb.Helper()
	return setting(tb, "Chromium", Chrome)
}

// Dumper returns the path of mariadb-dump.
func Dumper(tb testing.TB) string {
	tb.Helper()
	return setting(tb, "mariadb-dump", MariaDBDump)
}

// Create creates an empty database on a server, for programs other than tests. The name of the environment variable
// determines the kind of server. Create returns the database's URL, and a function to drop it.
func Create(ctx context.Context, variable, server string) (url string, drop func(context.Context) error, err error) {
	create, known := map[string]creation{PostgresURL: createPostgres, MySQLURL: createMySQL, MongoDBURL: nameMongoDB}[variable]
	if !known {
		return "", nil, fmt.Errorf("%s names no server", variable)
	}
	return create(ctx, server, "test_"+random())
}

// creation is a function that creates a named database on the server at url, and returns the database's URL and a
// function to drop the database.
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

// setting returns the value of an environment variable. If the variable is unset, setting skips the test or, with
// TEST_STRICT=1, fails it.
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
	_, _ = rand.Read(digits) // never returns an error, but crashes the program on failure
	return hex.EncodeToString(digits)
}
