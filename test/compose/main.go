// Command compose implements `make compose-test`: it builds the images, starts compose.yml on a real Docker engine,
// uses the system as docs/containers.md describes, kills a database, stops a service under load, and finally removes everything.
//
// The command uses the running Docker engine if the image registry is reachable. Otherwise, as root on Debian or
// Ubuntu, it starts its own engine in a separate network namespace, and builds stand-ins for the images that it can't
// pull (see standin.go). TEST_INSTALL=0 forbids installing packages.
//
// The last line is always "N passed, N failed, N skipped". The exit code is 0 if at least one step passed and none
// failed.
package main

import (
	"context"
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := 0
	if len(os.Args) > 1 && os.Args[1] == exerciseCommand {
		exercise(ctx)
	} else {
		code = run(ctx)
	}
	stop()
	os.Exit(code)
}

// run runs all steps and returns the exit code. Before it writes the last line, it stops everything that it has
// started.
func run(ctx context.Context) int {
	out := &tally{out: os.Stdout}
	if err := prove(ctx, out); err != nil {
		out.fail("make compose-test", err)
	}
	fmt.Fprintln(os.Stdout, out)
	if out.failed > 0 || out.passed == 0 {
		return 1
	}
	return 0
}

func prove(ctx context.Context, out *tally) (err error) {
	module, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	if err := os.Chdir(module); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "superheroes-compose-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	machine, err := findEngine(ctx, work, out)
	if skipped := new(skip); errors.As(err, skipped) {
		out.skip("everything", *skipped)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, machine.stop()) }()
	sources := filepath.Join(work, "sources")
	if err := snapshot(sources); err != nil {
		return err
	}
	ready := out.all(ctx, []step{
		{"two clean builds of the binary are identical", func(ctx context.Context) (string, error) { return buildTwice(ctx, work, sources) }, true},
		{"docker build", func(ctx context.Context) (string, error) { return machine.build(ctx, serviceImage, sources) }, true},
		{"the image contains the same binary", func(ctx context.Context) (string, error) { return compareImage(ctx, machine.builder, work) }, false},
		{"the image is small and runs without root", func(ctx context.Context) (string, error) {
			return inspectImage(ctx, machine.builder, serviceImage)
		}, false},
		{"docker build --platform linux/arm64", func(ctx context.Context) (string, error) { return buildForARM(ctx, machine, sources) }, false},
		{"docker build k6-image", func(ctx context.Context) (string, error) { return machine.build(ctx, loadImage, "k6-image") }, true},
		{"load the images", machine.load, true},
	})
	if !ready {
		return nil
	}
	return exerciseIn(ctx, machine, work, out)
}

// exerciseIn runs the remaining steps in a separate process that can reach the ports published by the Docker engine.
func exerciseIn(ctx context.Context, machine *engine, work string, out *tally) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	environment := append(machine.engine.environment(), "COMPOSE_TEST_BINARY="+filepath.Join(work, "first", "superheroes"))
	if _, err := os.Stat("conformance/main.go"); err == nil {
		contract := filepath.Join(work, "contract")
		if _, err := output(ctx, "go", "build", "-o", contract, "./conformance"); err != nil {
			return err
		}
		environment = append(environment, "COMPOSE_TEST_CONTRACT="+contract)
	}
	words := slices.Concat(machine.inside, []string{self, exerciseCommand})
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Env = environment
	command.Stderr = os.Stderr
	command.Stdout = out
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	return command.Run()
}

// output runs a command and returns its trimmed standard output. If the command fails, the error contains the last
// lines of the output.
func output(ctx context.Context, name string, args ...string) (string, error) {
	return shell{}.output(ctx, name, args...)
}

// shell runs commands with a given environment and working directory.
type shell struct {
	env []string
	dir string
}

func (s shell) output(ctx context.Context, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Env, command.Dir = s.env, s.dir
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, lastLines(stdout.String()+stderr.String(), 15))
	}
	return strings.TrimSpace(stdout.String()), nil
}

func lastLines(text string, most int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
