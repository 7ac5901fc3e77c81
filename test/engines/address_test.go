package engines

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestWithDatabase(t *testing.T) {
	tests := []struct {
		name, server, want string
	}{
		{"no database before", "mysql://u:p@127.0.0.1:3306/", "mysql://u:p@127.0.0.1:3306/test_1"},
		{"no path at all", "mongodb://127.0.0.1:27017", "mongodb://127.0.0.1:27017/test_1"},
		{"another database", "postgres://u:p@[::1]:5432/postgres", "postgres://u:p@[::1]:5432/test_1"},
		{"parameters stay", "postgres://h/postgres?sslmode=disable", "postgres://h/test_1?sslmode=disable"},
		{"a password in need of escapes", "mysql://u:p%40%2F@h/", "mysql://u:p%40%2F@h/test_1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := withDatabase(test.server, "test_1")
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestBadURLsAreRefusedWithoutTheirPassword(t *testing.T) {
	for _, bad := range []string{"", "/secret", "secret", "mysql://u:secret@h:port/", "http://u:secret@h/"} {
		t.Run(bad, func(t *testing.T) {
			_, err := mysqlConfig(bad)
			if err == nil {
				t.Fatal("it is accepted")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error reveals the password: %v", err)
			}
		})
	}
}

func TestMySQLConfig(t *testing.T) {
	tests := []struct {
		name, url, address, user, password, database string
	}{
		{"whole", "mysql://u:p@127.0.0.1:3307/d", "127.0.0.1:3307", "u", "p", "d"},
		{"default port", "mysql://u:p@h/", "h:3306", "u", "p", ""},
		{"escapes", "mysql://u%3A:p%40%2F@h/d", "h:3306", "u:", "p@/", "d"},
		{"IPv6", "mysql://u@[::1]/d", "[::1]:3306", "u", "", "d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, err := mysqlConfig(test.url)
			if err != nil {
				t.Fatal(err)
			}
			got := [...]string{config.Addr, config.User, config.Passwd, config.DBName}
			if want := [...]string{test.address, test.user, test.password, test.database}; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestFreePort(t *testing.T) {
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	if port < 20_000 || port >= 32_000 {
		t.Errorf("got port %d, which an outgoing connection may take", port)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	var config net.ListenConfig
	if claim, err := config.ListenPacket(t.Context(), "udp", address); err == nil {
		_ = claim.Close()
		t.Error("another test process could get it, too")
	}
	listener, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatalf("it can't be listened on: %v", err)
	}
	_ = listener.Close()
}
