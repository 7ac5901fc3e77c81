package engines

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MySQLServer starts a private MariaDB server. The server is stopped and its data is removed when the test ends.
func MySQLServer(tb testing.TB) *Server {
	tb.Helper()
	return MySQLServerWith(tb)
}

// MySQLServerWith is like MySQLServer, with additional options for mariadbd.
func MySQLServerWith(tb testing.TB, options ...string) *Server {
	tb.Helper()
	bin := setting(tb, "MariaDB's server program", MariaDBBin)
	return private(tb, func(ctx context.Context) (*Server, error) { return startMariaDB(ctx, bin, options...) })
}

// StartMariaDB starts a private MariaDB server by running the program mariadbd. The caller must close the server.
func StartMariaDB(ctx context.Context, mariadbd string) (*Server, error) {
	return startMariaDB(ctx, mariadbd)
}

func startMariaDB(ctx context.Context, mariadbd string, options ...string) (*Server, error) {
	return open(ctx, func(room *room, port int) (*Server, error) {
		password := random()
		accounts, err := initMariaDB(ctx, room, mariadbd, password)
		if err != nil {
			return nil, err
		}
		location := loopbackURL("mysql", port, "/")
		location.User = url.UserPassword("superheroes", password)
		command := []string{
			mariadbd, "--no-defaults",
			"--datadir=" + room.path("data"),
			"--socket=" + room.path("socket"),
			"--pid-file=" + room.path("pid"),
			"--init-file=" + accounts,
			"--skip-networking=0",
			"--bind-address=127.0.0.1",
			"--port=" + strconv.Itoa(port),
			"--max-connections=200",
			"--innodb-buffer-pool-size=64M",
			"--innodb-log-file-size=32M",
		}
		return &Server{
			URL: location.String(), command: append(command, options...), stop: syscall.SIGTERM,
			ping: PingMySQL, create: createMySQL,
		}, nil
	})
}

// initMariaDB initializes the data folder. It returns the path of an SQL file that creates the account for the test,
// and that the server executes at every start.
func initMariaDB(ctx context.Context, room *room, mariadbd, password string) (string, error) {
	installer, err := installDB(mariadbd)
	if err != nil {
		return "", err
	}
	err = room.run(ctx, installer, "--no-defaults",
		"--datadir="+room.path("data"), "--auth-root-authentication-method=socket", "--skip-test-db")
	if err != nil {
		return "", fmt.Errorf("creating a MariaDB data folder: %w", err)
	}
	return room.write("accounts.sql", fmt.Sprintf(
		"CREATE USER IF NOT EXISTS 'superheroes'@'%%' IDENTIFIED BY '%s';\n"+
			"GRANT ALL PRIVILEGES ON *.* TO 'superheroes'@'%%' WITH GRANT OPTION;\n", password))
}

// installDB looks for mariadb-install-db in the places where MariaDB packages install it: in the folder that contains
// mariadbd, in the sibling folders bin and scripts, and in PATH.
func installDB(mariadbd string) (string, error) {
	const name = "mariadb-install-db"
	beside := filepath.Dir(mariadbd)
	for _, folder := range []string{beside, filepath.Join(beside, "../bin"), filepath.Join(beside, "../scripts")} {
		file := filepath.Join(folder, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	file, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("finding %s for %s: %w", name, mariadbd, err)
	}
	return file, nil
}

// PingMySQL returns the version of the server at url.
func PingMySQL(ctx context.Context, url string) (string, error) {
	db, err := openMySQL(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	var version string
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return "", fmt.Errorf("getting MariaDB's version: %w", err)
	}
	number, vendor, _ := strings.Cut(version, "-")
	if strings.HasPrefix(vendor, "MariaDB") {
		return "MariaDB " + number, nil
	}
	return "MySQL " + number, nil
}

func createMySQL(ctx context.Context, server, name string) (string, func(context.Context) error, error) {
	database, err := withDatabase(server, name)
	if err != nil {
		return "", nil, err
	}
	if err := execMySQL(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	drop := func(ctx context.Context) error {
		return execMySQL(ctx, server, "DROP DATABASE IF EXISTS "+name)
	}
	return database, drop, nil
}

func execMySQL(ctx context.Context, server, statement string) error {
	db, err := openMySQL(server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func openMySQL(raw string) (*sql.DB, error) {
	config, err := mysqlConfig(raw)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("creating a connector for %s: %w", config.Addr, err)
	}
	return sql.OpenDB(connector), nil
}

// mysqlConfig parses a mysql:// URL. The default port is 3306.
func mysqlConfig(raw string) (*mysql.Config, error) {
	location, err := url.Parse(raw)
	if err != nil || location.Scheme != "mysql" || location.Hostname() == "" {
		// The error message omits the URL, because the URL contains a password.
		return nil, fmt.Errorf("want mysql://user:password@host:port/database in %s", MySQLURL)
	}
	port := location.Port()
	if port == "" {
		port = "3306"
	}
	config := mysql.NewConfig()
	config.Net = "tcp"
	config.Addr = net.JoinHostPort(location.Hostname(), port)
	config.User = location.User.Username()
	config.Passwd, _ = location.User.Password()
	config.DBName = strings.TrimPrefix(location.Path, "/")
	config.Logger = &mysql.NopLogger{} // the server may still be starting
	return config, nil
}
