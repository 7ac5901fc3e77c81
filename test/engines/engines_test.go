package engines

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
)

// recorder is a test that records its end instead of ending.
type recorder struct {
	testing.TB
	fatal, skip bool
}

func (r *recorder) Fatalf(string, ...any) { r.fatal = true }
func (r *recorder) Skipf(string, ...any)  { r.skip = true }

func TestMissingEngine(t *testing.T) {
	tests := []struct {
		name        string
		strict      string
		fatal, skip bool
	}{
		{"is skipped", "", false, true},
		{"is skipped when strictness is off", "0", false, true},
		{"is fatal when strict", "1", true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(Strict, test.strict)
			t.Setenv(Chrome, "")
			record := &recorder{TB: t}
			if got := Chromium(record); got != "" {
				t.Errorf("got %q, want nothing", got)
			}
			// In strict mode Skipf is never reached in a real test, as Fatalf ends it.
			if record.fatal != test.fatal || !test.fatal && record.skip != test.skip {
				t.Errorf("fatal is %t, skipped is %t", record.fatal, record.skip)
			}
		})
	}
}

// engine is an engine under test: how to get a fresh database, how to query it, and a private server.
type engine struct {
	name   string
	fresh  func(testing.TB) string
	server func(testing.TB) *Server
	ping   func(context.Context, string) (string, error)
}

func all() []engine {
	return []engine{
		{"PostgreSQL", Postgres, PostgresServer, PingPostgres},
		{"MariaDB", MySQL, MySQLServer, PingMySQL},
		{"MongoDB", MongoDB, MongoDBServer, PingMongoDB},
	}
}

func TestFreshDatabases(t *testing.T) {
	for _, engine := range all() {
		t.Run(engine.name, func(t *testing.T) {
			one, other := engine.fresh(t), engine.fresh(t)
			if one == other {
				t.Error("two tests share a database")
			}
			if _, err := engine.ping(t.Context(), one); err != nil {
				t.Errorf("it can't be used: %v", err)
			}
		})
	}
}

func TestFreshDatabaseIsDropped(t *testing.T) {
	var url string
	t.Run("a test", func(t *testing.T) { url = Postgres(t) })
	if url == "" {
		t.Skip("needs PostgreSQL")
	}
	if _, err := PingPostgres(t.Context(), url); err == nil {
		t.Error("the database still exists after the test")
	}
}

func TestServerStopsAndStartsAgain(t *testing.T) {
	for _, engine := range all() {
		t.Run(engine.name, func(t *testing.T) {
			server := engine.server(t)
			url := server.URL
			server.Stop(t)
			server.Stop(t) // does nothing
			if connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Addr()); err == nil {
				_ = connection.Close()
				t.Fatal("something listens after the stop")
			}
			server.Start(t)
			if _, err := engine.ping(t.Context(), url); err != nil {
				t.Errorf("it doesn't answer at the same URL after the start: %v", err)
			}
		})
	}
}

func TestServerLeavesNothing(t *testing.T) {
	var folder string
	t.Run("a test", func(t *testing.T) { folder = MongoDBServer(t).room.root })
	if folder == "" {
		t.Skip("needs a MongoDB-wire server's program")
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server's folder still exists after the test: %v", err)
	}
}

func TestServerThatWontStart(t *testing.T) {
	room, err := newRoom()
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{
		addr:    "127.0.0.1:1",
		room:    room,
		command: []string{"/bin/sh", "-c", "echo the cause; exit 3"},
		stop:    os.Interrupt,
		ping:    func(context.Context, string) (string, error) { return "", errors.New("no answer") },
	}
	_, err = server.open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the cause") {
		t.Errorf("got %v, want an error with the server's log", err)
	}
	if _, err := os.Stat(room.root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server's folder still exists after the failure: %v", err)
	}
}
