package engines

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"testing"
)

// PgBouncer starts PgBouncer in transaction mode in front of the given PostgreSQL server, and stops it when the test
// ends. The URL of the returned server names the same database, and includes the parameter that transaction pooling
// requires.
func PgBouncer(tb testing.TB, server string) *Server {
	tb.Helper()
	bin := setting(tb, "PgBouncer", PgBouncerBin)
	return private(tb, func(ctx context.Context) (*Server, error) { return startPgBouncer(ctx, bin, server) })
}

func startPgBouncer(ctx context.Context, bin, before string) (*Server, error) {
	location, err := url.Parse(before)
	if err != nil {
		return nil, errors.New("parsing the server's URL failed") // the URL contains a password
	}
	return open(ctx, func(room *room, port int) (*Server, error) {
		password, _ := location.User.Password()
		users, err := room.write("users", fmt.Sprintf("%q %q\n", location.User.Username(), password))
		if err != nil {
			return nil, err
		}
		settings, err := room.write("pgbouncer.ini", fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
default_pool_size = 10
max_client_conn = 1000
`, location.Hostname(), location.Port(), port, users))
		through := loopbackURL("postgres", port, location.Path)
		through.User, through.RawQuery = location.User, "default_query_exec_mode=cache_describe"
		return &Server{
			URL: through.String(), command: []string{bin, settings}, stop: syscall.SIGINT, ping: PingPostgres,
		}, err
	})
}
