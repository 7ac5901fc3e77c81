package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"superheroes/test/procgroup"
)

// stopPatience is how long interrupted tests have to clean up.
const stopPatience = 10 * time.Second

// benchFolder is the folder of the bench's module, below ours.
const benchFolder = "bench"

// modules returns the folders of the modules to test, below the one that is given.
func modules(root string) []string {
	if _, err := os.Stat(filepath.Join(root, benchFolder, "go.mod")); err != nil {
		return []string{"."}
	}
	return []string{".", benchFolder}
}

// ownArgs returns the arguments of go test that are always the same.
func ownArgs(ctx context.Context, say sayer) []string {
	// One package more than there are cores: many of them wait, for engines and for deadlines.
	args := []string{"test", "-json", "-timeout", "20m", "-p", strconv.Itoa(runtime.NumCPU() + 1)}
	if err := raceDetector(ctx); err != nil {
		say("Without the race detector: %v", err)
		return args
	}
	return append(args, "-race")
}

// testArgs returns the arguments of go test in a module: ours, then the user's, which win, and the whole module where the
// user names no package. It returns nil where the user names packages of other modules only.
func testArgs(module string, own, given []string) []string {
	args, named, here := slices.Clone(own), false, false
	for _, arg := range given {
		if !isPackage(arg) {
			args = append(args, arg)
			continue
		}
		named = true
		if owner, name := locate(arg); owner == module {
			args, here = append(args, name), true
		}
	}
	switch {
	case !named:
		return append(args, "./...")
	case !here:
		return nil
	}
	return args
}

// locate returns the module that a package belongs to, and its name there.
func locate(pkg string) (module, name string) {
	for _, root := range []string{"./" + benchFolder, "superheroes/" + benchFolder} {
		if rest, found := strings.CutPrefix(pkg, root); found && (rest == "" || rest[0] == '/') {
			return benchFolder, "." + rest
		}
	}
	return ".", pkg
}

// isPackage reports whether an argument names packages rather than being a flag or a flag's value.
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
