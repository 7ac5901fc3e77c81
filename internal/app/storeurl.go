package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"superheroes/internal/catalog/postgres"
)

// The engines that a store URL can name.
const (
	postgresql = "postgresql"
	mysqldb    = "mysql"
	mongo      = "mongodb"
	sqlite     = "sqlite"
)

// storeURL is a store URL that was read. Its errors and its texts never show a password.
type storeURL struct {
	engine   string
	text     string
	place    string        // host and port, or the file: for messages
	database string        // MongoDB's
	mysql    *mysql.Config // MySQL's
}

// schemes are the URL schemes, and the engine that each names.
func schemes() map[string]string {
	return map[string]string{
		"postgres": postgresql, "postgresql": postgresql,
		"mysql": mysqldb, "mariadb": mysqldb,
		"mongodb": mongo, "mongodb+srv": mongo,
		"sqlite": sqlite,
	}
}

// parseStoreURL reads a store URL for a service that can use these engines, besides SQLite.
func parseStoreURL(text string, engines ...string) (storeURL, error) {
	scheme, rest, found := strings.Cut(text, ":")
	engine := schemes()[strings.ToLower(scheme)]
	if !found || engine == "" || !slices.Contains(append(engines, sqlite), engine) {
		return storeURL{}, fmt.Errorf("the store URL must begin with sqlite:, %s", strings.Join(prefixes(engines), " or "))
	}
	parse := map[string]func(string) (storeURL, error){
		postgresql: parsePostgres, mysqldb: parseMySQL, mongo: parseMongo, sqlite: func(string) (storeURL, error) { return parseSQLite(rest) },
	}[engine]
	parsed, err := parse(text)
	parsed.engine, parsed.text = engine, text
	return parsed, err
}

func prefixes(engines []string) []string {
	var all []string
	for scheme, engine := range schemes() {
		if slices.Contains(engines, engine) && engine != sqlite {
			all = append(all, scheme+"://")
		}
	}
	slices.Sort(all)
	return all
}

// parseSQLite reads what follows sqlite: as a path; sqlite:///absolute and sqlite://relative are the same as without
// the two slashes.
func parseSQLite(path string) (storeURL, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0) || strings.Contains(path, ":memory:") {
		return storeURL{}, errors.New("sqlite: must be followed by the path of a file")
	}
	return storeURL{place: filepath.Clean(path)}, nil
}

func parsePostgres(text string) (storeURL, error) {
	config, err := postgres.ParseURL(text)
	if err != nil {
		return storeURL{}, err
	}
	return storeURL{place: net.JoinHostPort(config.ConnConfig.Host, fmt.Sprint(config.ConnConfig.Port))}, nil
}

func parseMySQL(text string) (storeURL, error) {
	malformed := errors.New("the MySQL URL can't be read: mysql://user:password@host:port/database")
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || strings.Trim(parsed.Path, "/") == "" {
		return storeURL{}, malformed
	}
	for name := range parsed.Query() {
		if name != "tls" {
			return storeURL{}, errors.New("the MySQL URL can have one parameter, tls=true, false, skip-verify or preferred")
		}
	}
	port := parsed.Port()
	if port == "" {
		port = "3306"
	}
	config := mysql.NewConfig()
	config.User = parsed.User.Username()
	config.Passwd, _ = parsed.User.Password()
	config.Net, config.Addr = "tcp", net.JoinHostPort(parsed.Hostname(), port)
	config.DBName = strings.Trim(parsed.Path, "/")
	config.TLSConfig = parsed.Query().Get("tls")
	config.Timeout = 2 * time.Second   // to connect; what follows ends with its context
	config.ClientFoundRows = true      // an UPDATE that changes nothing has still found its row
	config.Logger = &mysql.NopLogger{} // its errors come back to us, and its lines are not in our format
	config.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES'"}
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return storeURL{}, malformed
	}
	return storeURL{place: config.Addr, mysql: config}, nil
}

func parseMongo(text string) (storeURL, error) {
	parsed, err := connstring.ParseAndValidate(text)
	if err != nil {
		return storeURL{}, errors.New("the MongoDB URL can't be read: mongodb://user:password@host:port/database")
	}
	database := parsed.Database
	if database == "" {
		database = "fights"
	}
	return storeURL{place: strings.Join(parsed.Hosts, ","), database: database}, nil
}
