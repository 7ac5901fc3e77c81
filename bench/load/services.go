package load

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	"superheroes/bench/proc"
	"superheroes/test/program"
)

const (
	startPatience = 30 * time.Second
	stopPatience  = time.Minute
)

// services is a running process that hosts all four services.
type services struct {
	*program.Process
	fights string // base URL
}

// start starts the program on free ports, with its data in the given folder, and waits until it is ready.
func start(ctx context.Context, path, data string) (*services, error) {
	urls, addresses, err := program.FreeUp()
	if err != nil {
		return nil, err
	}
	command := exec.Command(path, "up") //nolint:noctx // Stop stops it
	command.Stderr = os.Stderr
	process, err := program.Start(command, append(append(os.Environ(), addresses...), "DATA_DIR="+data))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := process.Ready(ctx, urls["fights"]+"/readyz"); err != nil {
		process.Kill()
		return nil, err
	}
	return &services{process, urls["fights"]}, nil
}

// cpu returns the CPU time that the process has used so far, or 0 if it can't be read.
func (s *services) cpu() time.Duration {
	usage, _ := proc.System().Usage([]int{s.Pid()})
	return usage.CPU
}

// count returns the number of stored fights.
func (s *services) count(ctx context.Context) (int64, error) {
	body, err := program.Get(ctx, s.fights+"/api/fights/count")
	if err != nil {
		return 0, fmt.Errorf("counting fights: %w", err)
	}
	var stored struct{ Count int64 }
	err = json.Unmarshal(body, &stored)
	return stored.Count, err
}
