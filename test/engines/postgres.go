package engines

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgresServer starts a private PostgreSQL server. The server is stopped and its data is removed when the test ends.
func PostgresServer(tb testing.TB) *Server {
	tb.Helper()
	return postgresServer(tb, nil)
}

// PostgresTLSServer is like PostgresServer, but also accepts TLS connections, using the given certificate and key in
// PEM format.
func PostgresTLSServer(tb testing.TB, certificate, key string) *Server {
	tb.Helper()
	return postgresServer(tb, map[string]string{"ssl_cert_file": certificate, "ssl_key_file": key})
}

func postgresServer(tb testing.TB, tls map[string]string) *Server {
	tb.Helper()
	bin := setting(tb, "PostgreSQL's programs", PostgresBin)
	return private(tb, func(ctx context.Context) (*Server, error) { return startPostgres(ctx, bin, tls) })
}

// StartPostgres starts a private PostgreSQL server with the programs in the folder bin. The caller must close the
// server.
func StartPostgres(ctx context.Context, bin string) (*Server, error) {
	return startPostgres(ctx, bin, nil)
}

// startPostgres starts a server with the given TLS settings, if any. It writes the TLS certificate and key to files.
func startPostgres(ctx context.Context, bin string, tls map[string]string) (*Server, error) {
	return open(ctx, func(room *room, port int) (*Server, error) {
		password, data := random(), room.path("data")
		if err := initPostgres(ctx, room, bin, data, password); err != nil {
			return nil, err
		}
		location := loopbackURL("postgres", port, "/postgres")
		location.User = url.UserPassword("superheroes", password)
		command := []string{
			filepath.Join(bin, "postgres"), "-D", data,
			"-c", "listen_addresses=127.0.0.1",
			"-c", "port=" + strconv.Itoa(port),
			"-c", "unix_socket_directories=",
			"-c", "max_connections=500",
		}
		for name, content := range tls {
			file, err := room.write(name, content)
			if err != nil {
				return nil, err
			}
			command = append(command, "-c", "ssl=on", "-c", name+"="+file)
		}
		return &Server{
			URL: location.String(), command: command, ping: PingPostgres, create: createPostgres,
			stop: syscall.SIGINT, // fast shutdown: disconnects clients without losing data
		}, nil
	})
}

func initPostgres(ctx context.Context, room *room, bin, data, password string) error {
	secret, err := room.write("password", password+"\n")
	if err != nil {
		return err
	}
	err = room.run(ctx, filepath.Join(bin, "initdb"),
		"--pgdata="+data, "--username=superheroes", "--pwfile="+secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale="+utf8Locale(), "--no-sync")
	if err != nil {
		return fmt.Errorf("creating a PostgreSQL cluster: %w", err)
	}
	return nil
}

// utf8Locale returns a UTF-8 locale that is available by default on the operating system.
func utf8Locale() string {
	if runtime.GOOS == "linux" {
		return "C.UTF-8"
	}
	return "en_US.UTF-8"
}

// PingPostgres returns the version of the server at url.
func PingPostgres(ctx context.Context, url string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var version string
	if err := conn.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1)`).Scan(&version); err != nil {
		return "", fmt.Errorf("getting PostgreSQL's version: %w", err)
	}
	return "PostgreSQL " + version, nil
}

func createPostgres(ctx context.Context, server, name string) (string, func(context.Context) error, error) {
	database, err := withDatabase(server, name)
	if err != nil {
		return "", nil, err
	}
	if err := execPostgres(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	drop := func(ctx context.Context) error {
		return execPostgres(ctx, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
	return database, drop, nil
}

func execPostgres(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
