package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"superheroes/test/procgroup"
)

// stopPatience is how long interrupted tests have to clean up.
const stopPatience = 10 * time.Second

// testArgs returns the arguments of go test: ours, then the user's, which take precedence, and the whole module
// unless the user names a package.
func testArgs(ctx context.Context, given []string, say sayer) []string {
	args := []string{"test", "-json", "-timeout", "20m"}
	if err := raceDetector(ctx); err != nil {
		say("Without the race detector: %v", err)
	} else {
		args = append(args, "-race")
	}
	if len(given) > 0 && given[0] == "--" {
		given = given[1:]
	}
	args = append(args, given...)
	if !slices.ContainsFunc(given, isPackage) {
		args = append(args, "./...")
	}
	return args
}

// isPackage reports whether an argument names packages rather than being a flag or its value.
func isPackage(arg string) bool {
	return arg == "." || arg == ".." || arg == "superheroes" ||
		strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || strings.HasPrefix(arg, "superheroes/")
}

// raceDetector returns why tests can't use the race detector, or nil. It builds what every such test links, so that
// it notices a compiler that doesn't work, and nothing is built twice.
func raceDetector(ctx context.Context) error {
	complaint, err := exec.CommandContext(ctx, "go", "build", "-race", "runtime/race", "runtime/cgo").CombinedOutput()
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(complaint)), "\n")
		return fmt.Errorf("it needs cgo and a C compiler: %w: %s", err, line)
	}
	return nil
}

// goTest runs go test and passes its events to the tally, which counts failed tests. The error is for a go command
// that failed otherwise.
func goTest(ctx context.Context, module string, args, environment []string, tally *tally) error {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = module
	command.Env = environment
	command.Stderr = os.Stderr
	procgroup.Lead(command)
	command.WaitDelay = stopPatience
	output, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("preparing go test: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting go test: %w", err)
	}
	defer procgroup.End(command)
	readErr := tally.read(output)
	err = command.Wait()
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) && tally.failed > 0 {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("go test: %w", err)
	}
	return errors.Join(readErr, err)
}
