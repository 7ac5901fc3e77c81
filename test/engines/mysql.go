package engines

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// MySQLServer starts a private MariaDB, stopped and removed when the test ends.
func MySQLServer(tb testing.TB) *Server {
	tb.Helper()
	return MySQLServerWith(tb)
}

// MySQLServerWith is MySQLServer with additional options of mariadbd.
func MySQLServerWith(tb testing.TB, options ...string) *Server {
	tb.Helper()
	bin := setting(tb, "MariaDB's server program", MariaDBBin)
	return private(tb, func(ctx context.Context) (*Server, error) { return startMariaDB(ctx, bin, options...) })
}

// StartMariaDB starts a private MariaDB from the program mariadbd. The caller must close it.
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

// initMariaDB initializes the data folder and returns a file of SQL statements, executed at every start, that create
// the test's account.
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

// installDB finds mariadb-install-db where MariaDB's packages put it: in the server's folder, its sibling folders bin
// and scripts, or PATH.
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
	version, err := query(ctx, url, "SELECT VERSION()")
	number, vendor, _ := strings.Cut(version, "-")
	if strings.HasPrefix(vendor, "MariaDB") {
		return "MariaDB " + number, err
	}
	return "MySQL " + number, err
}

func createMySQL(ctx context.Context, server, name string) (string, func(context.Context) error, error) {
	return createSQL(ctx, server, name, "DROP DATABASE IF EXISTS "+name)
}
