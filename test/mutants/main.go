// Command mutants checks that the tests are effective: it injects one small fault at a time into the program and
// expects the corresponding test to fail. A complete run ensures that tests can be moved, merged and deleted without
// losing coverage.
//
//	go run ./test/mutants                   # all faults; takes about 20 minutes
//	go run ./test/mutants --list
//	go run ./test/mutants --only "conn"     # faults whose name, file or test contains the text
//
// No file in the repository is changed: the compiler reads the changed file from a temporary folder (-overlay). The
// database servers are found or started as in the tests (package engines).
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"superheroes/test/engines/find"
	"superheroes/test/procgroup"
)

// mutant is an injected fault, which replaces text in one of the program's files.
type mutant struct {
	name   string // short description of the fault
	guards string // the guarantee that the fault violates
	file   string // path relative to the module
	old    string // text that must occur exactly once in the file
	new    string
	test   string // the package that contains the test that must fail
	run    string // pattern for -run that selects this test
}

// mutants returns all mutants, by area.
func mutants() []mutant {
	return slices.Concat(catalogMutants, fightsMutants, edgeMutants, signalsMutants)
}

// apply returns the content of the file with the fault injected.
func (m mutant) apply(text string) (string, error) {
	if n := strings.Count(text, m.old); n != 1 {
		return "", fmt.Errorf("%s: %s contains %q %d times, want once", m.name, m.file, m.old, n)
	}
	return strings.Replace(text, m.old, m.new, 1), nil
}

func main() {
	procgroup.DieWithParent()
	var c struct {
		Only string `placeholder:"TEXT" help:"Inject only the faults whose name, file or test contains TEXT."`
		List bool   `help:"List the faults without running anything."`
	}
	kong.Parse(&c, kong.Name("mutants"), kong.Description("Check that the tests catch faults that are deliberately injected into the program."))
	chosen := slices.DeleteFunc(mutants(), func(m mutant) bool {
		return !strings.Contains(strings.Join([]string{m.name, m.file, m.test, m.run}, "\n"), c.Only)
	})
	if c.List {
		for _, m := range chosen {
			fmt.Printf("%s\n\tpromise: %s\n\t%s, caught by %s %s\n", m.name, m.guards, m.file, m.test, m.run)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := runAll(ctx, chosen)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// runAll runs the test for each chosen fault, first without and then with the fault. The error contains the number of
// faults that were not caught.
func runAll(ctx context.Context, chosen []mutant) error {
	module, err := os.Getwd()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	r := runner{module: module, folder: folder, env: os.Environ(), sound: map[string]error{}}
	for _, engine := range find.New(module, os.Getenv, func(string, ...any) {}).All(ctx) {
		defer func() { _ = engine.Close() }()
		r.env = append(r.env, engine.Env...)
	}
	missed := 0
	for _, m := range chosen {
		begun, verdict := time.Now(), "caught"
		if err := r.check(ctx, m); err != nil {
			verdict = err.Error()
			missed++
		}
		fmt.Printf("%5.1f s  %s: %s\n", time.Since(begun).Seconds(), m.name, verdict)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Printf("%d of %d caught\n", len(chosen)-missed, len(chosen))
	if missed > 0 {
		return fmt.Errorf("%d not caught", missed)
	}
	return nil
}

// runner runs tests with and without injected faults.
type runner struct {
	module, folder string
	env            []string
	sound          map[string]error // results of the tests without a fault, by test
}

// check returns nil if the test passes without the fault and fails with the fault.
func (r *runner) check(ctx context.Context, m mutant) error {
	test := m.test + " " + m.run
	err, known := r.sound[test]
	if !known {
		err = r.run(ctx, m, "")
		r.sound[test] = err
	}
	if err != nil {
		return fmt.Errorf("%s already fails without the fault: %w", test, err)
	}
	overlay, err := r.overlay(m)
	if err != nil {
		return err
	}
	err = r.run(ctx, m, overlay)
	var failed *testFailed
	switch {
	case errors.As(err, &failed):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("NOT CAUGHT by %s", test)
}

// overlay writes the changed file, and an overlay file that makes the compiler read the changed file. It returns the
// path of the overlay file.
func (r *runner) overlay(m mutant) (string, error) {
	original := filepath.Join(r.module, m.file)
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	mutated, err := m.apply(string(text))
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(r.folder, filepath.Base(m.file)), filepath.Join(r.folder, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(os.WriteFile(changed, []byte(mutated), 0o600), os.WriteFile(overlay, replace, 0o600))
}

// testFailed is the error for a test that ran and failed.
type testFailed struct{ output string }

func (e *testFailed) Error() string { return e.output }

// run runs the test for a fault with the overlay, which also applies to programs that the test builds. The error is a
// *testFailed if the test ran and failed; other errors mean that it couldn't run.
func (r *runner) run(ctx context.Context, m mutant, overlay string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	folder, name := ".", m.test
	if rest, ok := strings.CutPrefix(m.test, "./bench/"); ok { // the bench is a separate module
		folder, name = "bench", "./"+rest
	}
	command := exec.CommandContext(ctx, "go", "test", "-C", folder, "-count=1", "-timeout=4m", "-run", m.run, name)
	procgroup.Lead(command)
	command.Env = r.env
	if overlay != "" {
		command.Env = append(slices.Clip(r.env), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	output, err := command.CombinedOutput()
	procgroup.End(command)
	switch {
	case err == nil && bytes.Contains(output, []byte("no tests to run")):
		return errors.New("no such test")
	case err == nil:
		return nil
	case bytes.Contains(output, []byte(" failed]")), !bytes.Contains(output, []byte("FAIL")): // [build failed]
		return fmt.Errorf("%w: %s", err, output)
	}
	return &testFailed{string(output)}
}
