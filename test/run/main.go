// Command run implements `make test`: it provides the engines that the tests need, runs `go test` on the main module
// and the modules of the bench and of the dashboards and alerts, with the race detector if available, and reports passed,
// failed and skipped tests, with the reasons for skips.
//
//	go run ./test/run                                 # all tests
//	go run ./test/run -- -run Fight ./internal/fight  # arguments for go test
//
// With TEST_STRICT=1, a missing engine counts as a failure. TEST_INSTALL=0 forbids installing packages. Package engines
// lists the environment variables that select particular engines.
//
// The last line of output is always "N passed, N failed, N skipped".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"superheroes/test/engines"
	"superheroes/test/engines/find"
	"superheroes/test/procgroup"
)

func main() {
	procgroup.DieWithParent()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, getEngines)
	stop()
	os.Exit(code)
}

// run runs the tests and returns the exit code, which is 0 if tests ran and none failed. Before it writes the last
// line, it stops everything that it has started.
func run(ctx context.Context, args []string, out io.Writer, get getter) int {
	say := newSayer(out)
	tally := newTally(out)
	tally.verbose = slices.Contains(args, "-v")
	err := testAll(ctx, args, tally, say, get)
	if err != nil {
		say("FAILED %v", err)
	}
	say("%s", tally)
	if err != nil || tally.failed > 0 {
		return 1
	}
	return 0
}

// testAll provides the engines, runs the tests and reports skipped tests. It returns an error if the run fails for a
// reason other than a failed test.
func testAll(ctx context.Context, args []string, tally *tally, say sayer, get getter) error {
	module, err := find.Module(ctx)
	if err != nil {
		return err
	}
	remove, err := temporary()
	if err != nil {
		return err
	}
	defer remove()
	found := get(ctx, module, say)
	defer closeAll(found, say)

	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	own := ownArgs(ctx, say)
	environment, err := environment(ctx, found)
	if err != nil {
		return err
	}
	for _, folder := range modules(module) {
		if line := testArgs(folder, own, args); line != nil {
			err = errors.Join(err, goTest(ctx, filepath.Join(module, folder), line, environment, tally))
		}
	}
	tally.finish()
	reportSkips(tally.out, tally.skips)
	missing := reportMissing(tally.out, found)
	if missing > 0 && os.Getenv(engines.Strict) == "1" {
		err = errors.Join(err, fmt.Errorf("%s=1 and %s missing", engines.Strict, count(missing, "engine")))
	}
	if tally.ran() == 0 {
		err = errors.Join(err, errors.New("no test ran"))
	}
	return err
}

// getter is a function that provides the engines for the module in the given folder.
type getter func(ctx context.Context, module string, say sayer) []*find.Engine

func getEngines(ctx context.Context, module string, say sayer) []*find.Engine {
	return find.New(module, os.Getenv, say).All(ctx)
}

// sayer is a function that prints a line. It is safe for concurrent use.
type sayer func(format string, args ...any)

func newSayer(out io.Writer) sayer {
	var one sync.Mutex
	return func(format string, args ...any) {
		one.Lock()
		defer one.Unlock()
		fmt.Fprintf(out, format+"\n", args...)
	}
}

// temporary creates a folder for all temporary files of engines and tests, so that aborted tests leave no files behind,
// and returns a function that removes the folder. Engines may run under another account, which must have access to the
// folder.
func temporary() (remove func(), err error) {
	folder, err := os.MkdirTemp("", "superheroes-")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary folder: %w", err)
	}
	remove = func() { _ = os.RemoveAll(folder) } // the operating system cleans up what can't be removed
	if err := os.Chmod(folder, 0o711); err != nil {
		return nil, fmt.Errorf("making the temporary folder accessible: %w", err)
	}
	if err := os.Setenv("TMPDIR", folder); err != nil {
		return nil, fmt.Errorf("setting TMPDIR: %w", err)
	}
	return remove, nil
}

// unraced is a build flag that excludes the SQLite library from race detection, because race detection in this library,
// whose code is translated from C, would use a third of the tests' CPU time. The library's mutexes and callers are
// still checked.
const unraced = "-gcflags=modernc.org/sqlite/lib=-race=false"

// environment returns the process's environment, with the variables that describe the engines, and with the flag
// unraced in GOFLAGS.
func environment(ctx context.Context, found []*find.Engine) ([]string, error) {
	flags, err := exec.CommandContext(ctx, "go", "env", "GOFLAGS").Output()
	if err != nil {
		return nil, fmt.Errorf("reading GOFLAGS: %w", err)
	}
	environment := append(os.Environ(), "GOFLAGS="+strings.TrimSpace(string(flags))+" "+unraced)
	for _, engine := range found {
		environment = append(environment, engine.Env...)
	}
	return environment, nil
}

func closeAll(found []*find.Engine, say sayer) {
	for _, engine := range found {
		if err := engine.Close(); err != nil {
			say("stopping %s: %v", engine.Name, err)
		}
	}
}
