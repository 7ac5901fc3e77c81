package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"superheroes/bench/proc"
	"superheroes/test/engines"
)

// services is a running process with all services.
type services struct {
	fights  string // base URL
	command *exec.Cmd
	ended   chan error
}

// start starts the program on free ports with its data in a folder, and waits until it is ready.
func start(ctx context.Context, program, data string) (*services, error) {
	s := &services{command: exec.Command(program), ended: make(chan error, 1)} //nolint:noctx // stop terminates it
	addresses, err := listens(ctx, program)
	if err != nil {
		return nil, err
	}
	port, err := engines.FreePort()
	if err != nil {
		return nil, err
	}
	fights := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s.fights = "http://" + fights
	s.command.Env = append(os.Environ(), "DATA_DIR="+data)
	for _, variable := range addresses {
		s.command.Env = append(s.command.Env, variable+"=127.0.0.1:0")
	}
	s.command.Env = append(s.command.Env, "FIGHTS_ADDR="+fights) // the last one wins
	s.command.Stderr = os.Stderr
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() { s.ended <- s.command.Wait() }()
	for range 300 {
		if _, err := s.count(ctx); err == nil {
			return s, nil
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("%s exited before it was ready: %w", program, err)
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), s.stop())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, errors.Join(fmt.Errorf("%s was not ready within 30 s", program), s.stop())
}

// listens returns the environment variables for all addresses that the program listens on, taken from its help text. If one
// were left out, the program would use the default port, which may be in use.
func listens(ctx context.Context, program string) ([]string, error) {
	help, err := exec.CommandContext(ctx, program, "help", "up").Output()
	if err != nil {
		return nil, fmt.Errorf("reading the help of %s: %w", program, err)
	}
	var variables []string
	for _, found := range regexp.MustCompile(`\$([A-Z_]+_ADDR)\b`).FindAllSubmatch(help, -1) {
		variables = append(variables, string(found[1]))
	}
	if len(variables) == 0 {
		return nil, fmt.Errorf("the help of %s lists no listen address", program)
	}
	return variables, nil
}

// stop sends SIGTERM and waits for the process to exit.
func (s *services) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-s.ended
}

// snapshot holds the running totals of the services.
type snapshot struct {
	fights int64
	cpu    time.Duration // user and system time; 0 where it isn't available
}

func (s *services) snapshot(ctx context.Context) (snapshot, error) {
	fights, err := s.count(ctx)
	usage, _ := proc.System().Usage([]int{s.command.Process.Pid}) // zero where it isn't available
	return snapshot{fights, usage.CPU}, err
}

// count returns how many fights are stored.
func (s *services) count(ctx context.Context) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.fights+"/api/fights/count", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Count int64 }
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("counting fights: %s", response.Status)
	}
	return answer.Count, json.NewDecoder(response.Body).Decode(&answer)
}
