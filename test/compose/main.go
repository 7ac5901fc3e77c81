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
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"superheroes/test/shell"
	"superheroes/test/steps"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := 0
	if len(os.Args) > 1 && os.Args[1] == exerciseCommand {
		exercise(ctx)
	} else {
		out := steps.NewTally(os.Stdout)
		code = out.Finish("make compose-test", prove(ctx, out))
	}
	stop()
	os.Exit(code)
}

// prove runs all steps. Before it returns, it stops everything that it has started.
func prove(ctx context.Context, out *steps.Tally) (err error) {
	module, err := shell.Output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
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
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, machine.stop()) }()
	sources := filepath.Join(work, "sources")
	if err := snapshot(sources); err != nil {
		return err
	}
	ready := out.All(ctx, []steps.Step{
		steps.Gate("two clean builds of the binary are identical", func(ctx context.Context) (string, error) { return buildTwice(ctx, work, sources) }),
		steps.Gate("docker build", func(ctx context.Context) (string, error) { return machine.build(ctx, serviceImage, sources) }),
		steps.Check("the image contains the same binary", func(ctx context.Context) (string, error) { return compareImage(ctx, machine.builder, work) }),
		steps.Check("the image is small and runs without root", func(ctx context.Context) (string, error) {
			return inspectImage(ctx, machine.builder, serviceImage)
		}),
		steps.Check("docker build --platform linux/arm64", func(ctx context.Context) (string, error) { return buildForARM(ctx, machine, sources) }),
		steps.Gate("docker build k6-image", func(ctx context.Context) (string, error) { return machine.build(ctx, loadImage, "k6-image") }),
		steps.Gate("load the images", machine.load),
	})
	if !ready {
		return nil
	}
	return exerciseIn(ctx, machine, work, out)
}

// exerciseIn runs the remaining steps in a separate process that can reach the ports published by the Docker engine.
func exerciseIn(ctx context.Context, machine *engine, work string, out *steps.Tally) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	environment := append(machine.engine.environment(), "COMPOSE_TEST_BINARY="+filepath.Join(work, "first", "superheroes"))
	if _, err := os.Stat("conformance/main.go"); err == nil {
		contract := filepath.Join(work, "contract")
		if _, err := shell.Output(ctx, "go", "build", "-o", contract, "./conformance"); err != nil {
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
