package engines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const (
	startPatience = 3 * time.Minute
	stopPatience  = time.Minute
)

// Server is a private server on its own port, with its data in a temporary folder. The server can be stopped and then
// restarted with the same address, data and URL. It is not safe for concurrent use.
type Server struct {
	// URL contains the credentials of an account with all privileges.
	URL string

	addr    string
	room    *room
	command []string
	stop    os.Signal
	ping    func(ctx context.Context, url string) (string, error)
	create  creation // creates a database; nil for servers without databases

	version string
	running *process
}

// process is a running process of a server's program.
type process struct {
	command *exec.Cmd
	ended   chan struct{} // closed when the program has exited
}

// private starts a server for a test, and closes the server when the test ends.
func private(tb testing.TB, start func(context.Context) (*Server, error)) *Server {
	tb.Helper()
	server, err := start(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server
}

// Database creates an empty database on the server and returns the database's URL. The database is dropped when the
// test ends.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, s.URL, s.create)
}

// Addr returns the host and port that the server listens on while it runs.
func (s *Server) Addr() string { return s.addr }

// Pid returns the process ID of the server's main process, or 0 while the server is stopped.
func (s *Server) Pid() int {
	if s.running == nil {
		return 0
	}
	return s.running.command.Process.Pid
}

// Path returns the path of one of the server's data files, for tests that damage this file while the server is stopped.
func (s *Server) Path(name string) string { return s.room.path(filepath.Join("data", name)) }

// Version returns the server's name and version.
func (s *Server) Version() string { return s.version }

// Start starts a stopped server and waits until it responds.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	if err := s.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// Stop shuts the server down gracefully and waits until it has exited. Stopping a stopped server does nothing.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.halt(); err != nil {
		tb.Fatal(err)
	}
}

// Close stops the server and removes its data.
func (s *Server) Close() error {
	return errors.Join(s.halt(), s.room.remove())
}

// open starts a new server, as described by prepare, in its own temporary folder and on a free port.
func open(ctx context.Context, prepare func(room *room, port int) (*Server, error)) (*Server, error) {
	room, err := newRoom()
	if err != nil {
		return nil, err
	}
	var server *Server
	port, err := FreePort()
	if err == nil {
		server, err = prepare(room, port)
	}
	if err == nil {
		server.room, server.addr = room, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		err = server.start(ctx)
	}
	if err != nil {
		return nil, room.discard(err)
	}
	return server, nil
}

func (s *Server) start(ctx context.Context) error {
	if s.running != nil {
		return fmt.Errorf("%s is already running", s.name())
	}
	process, err := s.launch()
	if err != nil {
		return err
	}
	s.running = process
	if err := s.awaitReady(ctx); err != nil {
		return errors.Join(fmt.Errorf("starting %s: %w%s", s.name(), err, s.log()), s.halt())
	}
	return nil
}

// launch starts the server's program. The lifetime of the program isn't limited by a context.
func (s *Server) launch() (*process, error) {
	log, err := os.OpenFile(s.room.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", s.name(), err)
	}
	defer func() { _ = log.Close() }()                      // the program has its own descriptor for the file
	command := exec.Command(s.command[0], s.command[1:]...) //nolint:noctx // the program outlives every context
	command.Stdout, command.Stderr = log, log
	s.room.dress(command)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.name(), err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // the server's log contains the reason
		close(ended)
	}()
	return &process{command: command, ended: ended}, nil
}

// awaitReady waits until the server responds.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.running.ended:
			return errors.New("it exited immediately")
		case <-ctx.Done():
			return fmt.Errorf("the server does not respond: %w", err)
		case <-again.C:
		}
	}
}

// answers opens a TCP connection and then asks the server for its version. The connection is opened first because
// MongoDB's driver waits half a second after a refused connection.
func (s *Server) answers(ctx context.Context) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	if err := connection.Close(); err != nil {
		return fmt.Errorf("closing a connection: %w", err)
	}
	s.version, err = s.ping(ctx, s.URL)
	return err
}

// halt asks the program to exit, and kills it after a time limit.
func (s *Server) halt() error {
	if s.running == nil {
		return nil
	}
	process := s.running
	s.running = nil
	// Sending the signal fails if the program has already exited, or if the platform has no signals.
	if err := process.command.Process.Signal(s.stop); err != nil {
		_ = process.command.Process.Kill()
	}
	select {
	case <-process.ended:
		return nil
	case <-time.After(stopPatience):
	}
	_ = process.command.Process.Kill()
	<-process.ended
	return fmt.Errorf("%s was killed, because it did not stop within %s%s", s.name(), stopPatience, s.log())
}

func (s *Server) name() string { return filepath.Base(s.command[0]) }

// log returns the last lines of the server's log, as a suffix for an error message.
func (s *Server) log() string {
	content, err := os.ReadFile(s.room.path("log"))
	if err != nil || len(content) == 0 {
		return ""
	}
	return "\n" + lastLines(string(content))
}
