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

// stopPatience is how long interrupted tests may take to clean up.
const stopPatience = 10 * time.Second

// nested returns the paths of the modules within the main module, relative to it, that are tested as well.
func nested() []string { return []string{"bench", "deploy"} }

// modules returns the paths of the modules to test, relative to root.
func modules(root string) []string {
	found := []string{"."}
	for _, folder := range nested() {
		if _, err := os.Stat(filepath.Join(root, folder, "go.mod")); err == nil {
			found = append(found, folder)
		}
	}
	return found
}

// ownArgs returns the arguments for go test that are always passed, regardless of the user's arguments.
func ownArgs(ctx context.Context, say sayer) []string {
	// go test runs one more package in parallel than there are cores, because many tests wait for engines or
	// deadlines.
	args := []string{"test", "-json", "-timeout", "20m", "-p", strconv.Itoa(runtime.NumCPU() + 1)}
	if err := raceDetector(ctx); err != nil {
		say("Tests run without the race detector: %v", err)
		return args
	}
	return append(args, "-race")
}

// testArgs returns the arguments for go test in a module: fixed arguments, then the user's arguments, which take
// precedence, and, if the user names no packages, the pattern for all packages. testArgs returns nil if the user names
// only packages of other modules.
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

// locate returns the module that contains a package, and the package's path within the module.
func locate(pkg string) (module, name string) {
	for _, folder := range nested() {
		for _, root := range []string{"./" + folder, "superheroes/" + folder} {
			if rest, found := strings.CutPrefix(pkg, root); found && (rest == "" || rest[0] == '/') {
				return folder, "." + rest
			}
		}
	}
	return ".", pkg
}

// isPackage reports whether an argument names packages, rather than being a flag or a flag's value.
func isPackage(arg string) bool {
	return arg == "." || arg == ".." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") ||
		strings.HasPrefix(arg+"/", "superheroes/")
}

// raceDetector returns the reason why tests can't use the race detector, or nil. To detect a broken C compiler,
// raceDetector builds two packages with the race detector. Every test with the race detector needs these packages, so
// the build results are reused.
func raceDetector(ctx context.Context) error {
	complaint, err := exec.CommandContext(ctx, "go", "build", "-race", "runtime/race", "runtime/cgo").CombinedOutput()
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(complaint)), "\n")
		return fmt.Errorf("the race detector needs cgo and a C compiler: %w: %s", err, line)
	}
	return nil
}

// goTest runs go test and passes its events to the tally, which counts failed tests. It returns an error if the go
// command fails for another reason.
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
