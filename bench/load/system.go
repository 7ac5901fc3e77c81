package main

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
	"strings"
	"syscall"
	"time"
)

// system is all services in one process.
type system struct {
	fights  string // base address
	command *exec.Cmd
	ended   chan error
}

// start starts the program on free ports with its data in a folder, and waits until it is ready.
func start(ctx context.Context, program, data string) (*system, error) {
	s := &system{command: exec.Command(program), ended: make(chan error, 1)}
	addresses, err := listens(ctx, program)
	if err != nil {
		return nil, err
	}
	fights, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s.fights = "http://" + fights
	s.command.Env = append(os.Environ(), "DATA_DIR="+data)
	for _, variable := range addresses {
		s.command.Env = append(s.command.Env, variable+"=127.0.0.1:0")
	}
	s.command.Env = append(s.command.Env, "FIGHTS_ADDR="+fights) // the last one counts
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
			return nil, fmt.Errorf("%s ended before it was ready: %w", program, err)
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), s.stop())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, errors.Join(fmt.Errorf("%s was not ready in 30 s", program), s.stop())
}

// listens returns the variables of all addresses that the program listens on, from its own help: on one that was left out
// it would take its usual port, which somebody else may have.
func listens(ctx context.Context, program string) ([]string, error) {
	help, err := exec.CommandContext(ctx, program, "help", "up").Output()
	if err != nil {
		return nil, fmt.Errorf("asking %s for its settings: %w", program, err)
	}
	var variables []string
	for _, found := range regexp.MustCompile(`\$([A-Z_]+_ADDR)\b`).FindAllSubmatch(help, -1) {
		variables = append(variables, string(found[1]))
	}
	if len(variables) == 0 {
		return nil, fmt.Errorf("the help of %s names no address to listen on", program)
	}
	return variables, nil
}

func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// stop asks the system to end, and waits for it.
func (s *system) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-s.ended
}

// snapshot is what the system has done so far.
type snapshot struct {
	fights int64
	cpu    time.Duration // of user and system, 0 where it can't be told
}

func (s *system) snapshot(ctx context.Context) (snapshot, error) {
	fights, err := s.count(ctx)
	return snapshot{fights, cpuTime(s.command.Process.Pid)}, err
}

// count asks how many fights are stored.
func (s *system) count(ctx context.Context) (int64, error) {
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
		return 0, fmt.Errorf("asking for the count of fights: %s", response.Status)
	}
	return answer.Count, json.NewDecoder(response.Body).Decode(&answer)
}

// cpuTime reads the 14th and 15th field of /proc/PID/stat: user and system time in ticks of 10 ms (proc(5)).
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // not Linux
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the program's name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}
