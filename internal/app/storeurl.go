package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
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
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return storeURL{}, errors.New("the PostgreSQL URL can't be read: postgres://user:password@host:port/database")
	}
	return storeURL{place: net.JoinHostPort(config.ConnConfig.Host, fmt.Sprint(config.ConnConfig.Port))}, nil
}

// mysqlForms are what a MySQL URL can look like.
const mysqlForms = "mysql://user:password@host:port/database or mysql://user:password@/database?socket=PATH"

func parseMySQL(text string) (storeURL, error) {
	malformed := errors.New("the MySQL URL can't be read: want " + mysqlForms + ", marks in the password percent-encoded")
	parsed, err := url.Parse(text)
	if err != nil || mayTellPassword(text) {
		return storeURL{}, malformed // the cause may show the password
	}
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return storeURL{}, malformed
	}
	for name, values := range query {
		if !slices.Contains([]string{"socket", "tls", "ssl-ca"}, name) || len(values) > 1 {
			return storeURL{}, errors.New("the MySQL URL can have the parameters socket, tls and ssl-ca, each once")
		}
	}
	config := mysql.NewConfig()
	config.User, config.DBName = parsed.User.Username(), strings.Trim(parsed.Path, "/")
	config.Passwd, _ = parsed.User.Password()
	config.Timeout = 2 * time.Second // to connect; what follows ends with its context
	socket, host := query.Get("socket"), parsed.Hostname()
	config.Net, config.Addr = "tcp", net.JoinHostPort(host, cmp.Or(parsed.Port(), "3306"))
	if socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	if config.DBName == "" || strings.ContainsAny(config.DBName, "/\x00") || (socket == "") == (parsed.Host == "") || socket == "" && host == "" {
		return storeURL{}, malformed
	}
	if err := mysqlTLS(config, query.Get("tls"), query.Get("ssl-ca")); err != nil {
		return storeURL{}, err
	}
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return storeURL{}, malformed
	}
	return storeURL{place: config.Addr, mysql: config}, nil
}

// mayTellPassword reports whether what follows the host may be the rest of a password that has a slash. It must not get
// into a message as a database's name.
func mayTellPassword(text string) bool {
	_, rest, _ := strings.Cut(text, "//")
	_, rest, _ = strings.Cut(rest, "/")
	return strings.ContainsAny(rest, "@#")
}

// mysqlTLS sets how the connection is encrypted; ca is the file of the certificate that the server's must be signed by.
func mysqlTLS(config *mysql.Config, mode, ca string) error {
	if !slices.Contains([]string{"", "true", "false", "skip-verify", "preferred"}, mode) {
		return errors.New("tls in the MySQL URL must be true, false, skip-verify or preferred")
	}
	if config.Net == "unix" && (mode == "true" || ca != "") {
		return errors.New("a MySQL URL with a socket can't have tls=true or ssl-ca: a socket has no host that a certificate could name")
	}
	config.TLSConfig = mode
	if ca == "" {
		return nil
	}
	if mode != "" && mode != "true" {
		return errors.New("ssl-ca in the MySQL URL goes with tls=true only")
	}
	host, _, err := net.SplitHostPort(config.Addr)
	if err != nil {
		return err
	}
	certificates, err := os.ReadFile(ca)
	if err != nil {
		return fmt.Errorf("ssl-ca in the MySQL URL: %w", err)
	}
	config.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: host, MinVersion: tls.VersionTLS12}
	if !config.TLS.RootCAs.AppendCertsFromPEM(certificates) {
		return fmt.Errorf("ssl-ca in the MySQL URL: %s holds no certificate in PEM", ca)
	}
	return nil
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
