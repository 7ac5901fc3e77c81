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
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"superheroes/internal/postgres"
)

// Names of the database engines that a store URL can select.
const (
	enginePostgreSQL = "postgresql"
	engineMySQL      = "mysql"
	engineMongoDB    = "mongodb"
	engineSQLite     = "sqlite"
)

// storeURL is a parsed store URL. Neither the place field nor a parse error reveals a password.
type storeURL struct {
	engine   string
	text     string
	place    string        // host and port, or the path of the file; for messages
	database string        // MongoDB's
	mysql    *mysql.Config // MySQL's

	srvService, srvHost string // set only for MongoDB, if the servers are looked up in DNS
}

// schemes returns the URL schemes of an engine, not including sqlite.
func schemes(engine string) []string {
	return map[string][]string{
		enginePostgreSQL: {"postgres", "postgresql"},
		engineMySQL:      {"mariadb", "mysql"},
		engineMongoDB:    {"mongodb+srv", "mongodb"},
	}[engine]
}

// parseStoreURL parses a store URL for a service that supports the given engine and SQLite.
func parseStoreURL(text, engine string) (parsed storeURL, err error) {
	scheme, rest, found := strings.Cut(text, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case found && scheme == engineSQLite:
		engine = engineSQLite
	case !found, !slices.Contains(schemes(engine), scheme):
		prefixes := strings.Join(schemes(engine), ":// or ")
		return storeURL{}, fmt.Errorf("the store URL must begin with sqlite:, %s://", prefixes)
	case !unambiguous(text):
		return storeURL{}, fmt.Errorf("the store URL must be %s://user:password@host:port/database, and each of "+
			"@ : / ? # %% and space in the user, password or database percent-encoded (@ is %%40, / is %%2F)", scheme)
	}
	switch engine {
	case enginePostgreSQL:
		parsed, err = parsePostgres(text)
	case engineMySQL:
		parsed, err = parseMySQL(text)
	case engineMongoDB:
		parsed, err = parseMongo(text)
	default:
		parsed, err = parseSQLite(rest)
	}
	parsed.engine, parsed.text = engine, text
	return parsed, err
}

// unambiguous reports whether the user and password are clearly separated from the rest of the URL. If a password
// contains an unescaped @ or /, drivers may parse part of it as the host, port or database, which error messages show.
func unambiguous(text string) bool {
	_, rest, found := strings.Cut(text, "://")
	credentials, place, given := strings.Cut(rest, "@")
	return found && (!given || !strings.ContainsAny(credentials, "/?#") && !strings.Contains(place, "@"))
}

// parseSQLite parses the rest of a URL after "sqlite:" as a path. Two slashes before the path are optional, as in
// sqlite:///absolute and sqlite://relative.
func parseSQLite(path string) (storeURL, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || strings.HasSuffix(path, "/") || strings.Contains(path, "\x00") || strings.Contains(path, ":memory:") {
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
	malformed := errors.New("the MySQL URL can't be read: want mysql://user:password@host:port/database " +
		"or mysql://user:password@/database?socket=PATH, with special characters percent-encoded")
	parsed, err := url.Parse(text)
	if err != nil || parsed.Fragment != "" {
		return storeURL{}, malformed // not wrapped: the cause may reveal the password
	}
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return storeURL{}, malformed
	}
	for name, values := range query {
		if !slices.Contains([]string{"socket", "tls", "ssl-ca"}, name) || len(values) > 1 {
			return storeURL{}, errors.New("a MySQL URL accepts only the parameters socket, tls and ssl-ca, each at most once")
		}
	}
	config := mysql.NewConfig()
	config.User, config.DBName = parsed.User.Username(), strings.Trim(parsed.Path, "/")
	config.Passwd, _ = parsed.User.Password()
	config.Timeout = 2 * time.Second // limits only the time to connect; contexts limit everything else
	switch socket, host := query.Get("socket"), parsed.Hostname(); {
	case config.DBName == "" || strings.ContainsAny(config.DBName, "/\x00"):
		return storeURL{}, malformed
	case socket != "" && parsed.Host == "":
		config.Net, config.Addr = "unix", socket
	case socket == "" && host != "":
		config.Net, config.Addr = "tcp", net.JoinHostPort(host, cmp.Or(parsed.Port(), "3306"))
	default:
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

// mysqlTLS configures TLS for connections. ca is the path of a file with CA certificates.
func mysqlTLS(config *mysql.Config, mode, ca string) error {
	if !slices.Contains([]string{"", "true", "false", "skip-verify", "preferred"}, mode) {
		return errors.New("tls in the MySQL URL must be true, false, skip-verify or preferred")
	}
	if config.Net == "unix" && (mode == "true" || ca != "") {
		return errors.New("a MySQL URL with a socket can't have tls=true or ssl-ca: " +
			"a socket has no host that a certificate could name")
	}
	config.TLSConfig = mode
	if ca == "" {
		return nil
	}
	if mode != "" && mode != "true" {
		return errors.New("ssl-ca in the MySQL URL requires tls=true")
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
		return fmt.Errorf("ssl-ca in the MySQL URL: %s contains no PEM certificate", ca)
	}
	return nil
}

// parseMongo parses a MongoDB URL without a DNS lookup, since a lookup may fail now and succeed a moment later.
func parseMongo(text string) (storeURL, error) {
	malformed := errors.New("the MongoDB URL can't be read: " +
		"mongodb://user:password@host:port/database or mongodb+srv://user:password@host/database")
	rest, srv := strings.CutPrefix(text, connstring.SchemeMongoDBSRV+"://")
	service := ""
	if srv { // parse the URL as if its host were a server, not a name whose DNS records list the servers
		rest, service = withoutSRVOptions(rest)
		text = connstring.SchemeMongoDB + "://" + rest
	}
	parsed, err := connstring.ParseAndValidate(text)
	if err != nil {
		return storeURL{}, malformed
	}
	read := storeURL{place: strings.Join(parsed.Hosts, ","), database: cmp.Or(parsed.Database, "fights")}
	if srv {
		if strings.ContainsAny(read.place, ",:") || parsed.DirectConnection {
			return storeURL{}, errors.New("the MongoDB URL can't be read: " +
				"mongodb+srv:// requires a single host without a port, and doesn't allow a direct connection")
		}
		read.srvHost, read.srvService = read.place, service
	}
	return read, nil
}

// withoutSRVOptions removes the options that are valid only with mongodb+srv from a URL. It also returns the SRV
// service name: the value of srvServiceName, or else mongodb.
func withoutSRVOptions(text string) (rest, service string) {
	address, query, found := strings.Cut(text, "?")
	if !found {
		return text, "mongodb"
	}
	rest, service = address+"?", "mongodb"
	for option := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		switch name, value, _ := strings.Cut(option, "="); strings.ToLower(name) {
		case "srvservicename":
			service = value
		case "srvmaxhosts":
		default:
			rest += option + "&"
		}
	}
	return rest, service
}
