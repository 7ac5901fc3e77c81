package mariadb_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/location"
	"superheroes/internal/mariadb"
	"superheroes/test/engines"
	"superheroes/test/tcpproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mysqlLocations returns the storage engine for locations on MariaDB or MySQL.
func mysqlLocations(schema string) catalogtest.Engine[location.Location] {
	return catalogtest.Engine[location.Location]{
		Kind:        location.Locations(),
		UniqueNames: true,
		Fresh: func(tb testing.TB) catalogtest.Database[location.Location] {
			config := mysqlConfig(tb, engines.MySQL(tb))
			openAt := func(ctx context.Context, address string, seed catalogtest.Seed[location.Location]) (catalog.Store[location.Location], error) {
				elsewhere := config.Clone()
				elsewhere.Addr = address
				store, err := openMySQL(ctx, elsewhere, schema, seed)
				if err != nil {
					return nil, err
				}
				return store, nil
			}
			return catalogtest.Database[location.Location]{
				SQL: otherMySQL(tb, config),
				Describe: `SELECT CONCAT_WS(' ', table_name, ordinal_position, column_name, column_type, collation_name, is_nullable, column_key, extra)
					FROM information_schema.columns WHERE table_schema = DATABASE()
					UNION ALL SELECT CONCAT_WS(' ', trigger_name, event_manipulation, event_object_table, action_statement)
					FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1`,
				OpenAt: openAt,
				Server: config.Addr,
			}
		},
		Family: []catalogtest.Family{
			family("all columns nullable, with the server's collation", familyLocations("varchar(50) UNIQUE")...),
			family("latin1", familyLocations("varchar(50) CHARACTER SET latin1 UNIQUE")...),
			family("the version table of an earlier table that was replaced", append([]string{
				"CREATE TABLE locations_version (version bigint NOT NULL)", "INSERT INTO locations_version VALUES (9)",
			}, familyLocations("varchar(50) UNIQUE")...)...),
		},
	}
}

func family(name string, create ...string) catalogtest.Family {
	return catalogtest.Family{Name: name, Create: create, IDs: []int64{1, 2, 7}, Null: 2}
}

func familyLocations(name string) []string {
	return []string{
		"CREATE TABLE locations (id bigint NOT NULL AUTO_INCREMENT, description varchar(1000), name " + name + `,
			picture varchar(255), type enum('CITY', 'PLANET', 'PLACE', 'ISLAND', 'COUNTRY', 'MOON'), PRIMARY KEY (id))`,
		"INSERT INTO locations (name, type) VALUES ('Gotham City', 'CITY')",
		"INSERT INTO locations (name) VALUES (NULL)",
		"INSERT INTO locations (id, name, type) VALUES (7, 'Earth', 'PLANET')",
	}
}

func openMySQL(ctx context.Context, config *mysql.Config, schema string, seed catalogtest.Seed[location.Location]) (*mariadb.Catalog[location.Location], error) {
	return mariadb.Open(ctx, location.Locations().Table, mariadb.Config{Driver: config, PoolMin: 1, PoolMax: 10, Schema: schema, Deadline: 5 * time.Second}, seed)
}

// mysqlConfig parses a URL into the driver's configuration, as the program does.
func mysqlConfig(tb testing.TB, text string) *mysql.Config {
	tb.Helper()
	at, err := url.Parse(text)
	if err != nil {
		tb.Fatal("invalid URL")
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.DBName = "tcp", at.Host, at.User.Username(), strings.Trim(at.Path, "/")
	config.Passwd, _ = at.User.Password()
	config.Logger = &mysql.NopLogger{}
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		tb.Fatal(err)
	}
	return config
}

func otherMySQL(tb testing.TB, config *mysql.Config) *sql.DB {
	tb.Helper()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(connector)
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func TestMySQLLocations(t *testing.T) { mysqlLocations(database.MySQL).Run(t) }

func BenchmarkMariaDBRandom(b *testing.B) { mysqlLocations(database.MySQL).BenchmarkRandom(b) }
func BenchmarkMariaDBIDs(b *testing.B)    { mysqlLocations(database.MySQL).BenchmarkIDs(b) }

func noRoster(func(location.Location) error) error { return nil }

func gotham(put func(location.Location) error) error {
	return put(location.Location{Name: "Gotham City", Type: "CITY"})
}

// openGotham opens a store whose roster has a single location.
func openGotham(t *testing.T, config *mysql.Config) *mariadb.Catalog[location.Location] {
	t.Helper()
	store, err := openMySQL(t.Context(), config, database.MySQL, gotham)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMySQLUnfinishedStart opens databases in which an earlier start was interrupted before it renamed the draft table.
func TestMySQLUnfinishedStart(t *testing.T) {
	config := mysqlConfig(t, engines.MySQL(t))
	other := otherMySQL(t, config)
	draft := strings.ReplaceAll(database.MySQL, "{table}", "locations_draft")
	const version = "CREATE TABLE locations_version (version bigint NOT NULL)"
	for _, c := range []struct {
		name string
		left []string
	}{
		{"a draft table with different columns", []string{"CREATE TABLE locations_draft (id bigint)"}},
		{"a draft with rows", []string{draft, "INSERT INTO locations_draft (name, type) VALUES ('half', 'CITY')"}},
		{"a draft table, a version table and some triggers", []string{
			draft, version, "CREATE TRIGGER locations_insert AFTER INSERT ON locations_draft FOR EACH ROW UPDATE locations_version SET version = version + 1",
		}},
		{"a version table without a catalog table", []string{version}},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, other, "DROP TABLE IF EXISTS locations, locations_version")
			exec(t, other, c.left...)
			store := openGotham(t, config)
			if items, err := store.Page(t.Context(), 0, 100); len(items) != 1 || items[0].Name != "Gotham City" || err != nil {
				t.Errorf("the catalog contains %v (%v)", items, err)
			}
			if _, version, err := store.IDs(t.Context(), ""); version == "" || err != nil {
				t.Errorf("the version of the table is %q (%v)", version, err)
			}
			var tables int
			const count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
			if err := other.QueryRowContext(t.Context(), count).Scan(&tables); err != nil || tables != 2 {
				t.Errorf("the database has %d tables (%v), want only the table and its version", tables, err)
			}
		})
	}
}

// TestMySQLWithoutVersion checks that the ids are read every time if the user may not create triggers, or if another
// application created the table.
func TestMySQLWithoutVersion(t *testing.T) {
	config := mysqlConfig(t, engines.MySQL(t))
	other := otherMySQL(t, config)
	user := "poor_" + config.DBName[len("test_"):]
	exec(t, other, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'poor'", user),
		fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER ON %s.* TO '%s'@'%%'", config.DBName, user))
	t.Cleanup(func() { _, _ = other.ExecContext(context.WithoutCancel(t.Context()), "DROP USER '"+user+"'@'%'") })
	poor := config.Clone()
	poor.User, poor.Passwd = user, "poor"
	check := func(name string, store catalog.Store[location.Location], rows int) {
		for range 2 {
			if ids, version, err := store.IDs(t.Context(), ""); len(ids) != rows || version != "" || err != nil {
				t.Errorf("%s: got the ids %v and the version %q (%v), want %d ids and no version", name, ids, version, err, rows)
			}
		}
	}
	check("no triggers", openGotham(t, poor), 1)
	exec(t, other, append([]string{"DROP TABLE locations"}, familyLocations("varchar(50)")...)...)
	check("created by others", openGotham(t, config), 3)
}

// TestMySQLBehindTheTriggers checks that the store notices changes that fire no trigger, even if they are followed by
// inserts.
func TestMySQLBehindTheTriggers(t *testing.T) {
	config := mysqlConfig(t, engines.MySQL(t))
	other := otherMySQL(t, config)
	store := openGotham(t, config)
	const truncate, insert = "TRUNCATE TABLE locations", "INSERT INTO locations (name, type) VALUES ('Gotham City', 'CITY')"
	for _, c := range []struct {
		name       string
		statements []string
		ids        []int64
	}{
		{"emptied", []string{truncate}, nil},
		{"filled", []string{insert}, []int64{1}},
		{"replaced", []string{truncate, insert}, []int64{1}},
		{"emptied again", []string{truncate}, nil},
		{"recreated by another application", append([]string{"DROP TABLE locations"}, familyLocations("varchar(50)")...), []int64{1, 2, 7}},
		{"changed after that", []string{"DELETE FROM locations WHERE id = 2"}, []int64{1, 7}},
	} {
		_, known, err := store.IDs(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		exec(t, other, c.statements...)
		ids, version, err := store.IDs(t.Context(), known)
		if version == known && known != "" || err != nil {
			t.Errorf("%s: the version is still %q (%v)", c.name, version, err)
		}
		if diff := cmp.Diff(c.ids, ids); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestMySQLClosesIdleConnections checks that a write succeeds at once although the server, as after a restart, has closed
// the connections in the pool.
func TestMySQLClosesIdleConnections(t *testing.T) {
	config := mysqlConfig(t, engines.MySQL(t))
	proxy := tcpproxy.Start(t, config.Addr, tcpproxy.All)
	config.Addr = proxy.Addr()
	store := openGotham(t, config)
	rename := func(was *location.Location) (*location.Location, error) {
		renamed := *was
		renamed.Name += "!"
		return &renamed, nil
	}
	for range 3 {
		if _, err := store.Write(t.Context(), 1, rename); err != nil {
			t.Fatal(err)
		}
		proxy.Cut()
	}
}

func TestMySQLErrorsShowNoPassword(t *testing.T) {
	config := mysqlConfig(t, engines.MySQL(t))
	const secret = "swordfish%41"
	for _, c := range []struct {
		name  string
		spoil func(*mysql.Config)
	}{
		{"wrong password", func(*mysql.Config) {}},
		{"unknown user", func(c *mysql.Config) { c.User = "nobody" }},
		{"connection refused", func(c *mysql.Config) { c.Addr = "127.0.0.1:1" }},
		{"unknown TLS setting", func(c *mysql.Config) { c.TLSConfig = "unheard-of" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			spoilt := config.Clone()
			spoilt.Passwd = secret
			c.spoil(spoilt)
			store, err := openMySQL(t.Context(), spoilt, database.MySQL, noRoster)
			if err == nil {
				_ = store.Close()
				t.Fatal("opened")
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
				t.Errorf("the error reveals the password: %v", err)
			}
		})
	}
}
