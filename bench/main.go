// Superheroes-bench measures Super Heroes in Go and the other implementations in the Super Heroes family. It is a
// separate module, so that the services don't depend on packages that only the measurements need.
//
//	go run -C bench . --duration 3s     # from a source checkout
//	superheroes-bench --help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"superheroes/bench/comparison"
	"superheroes/bench/energy"
	"superheroes/bench/load"
	"superheroes/bench/measure"
	"superheroes/bench/overload"
	"superheroes/bench/performance"
	"superheroes/internal/buildinfo"
	"superheroes/internal/timerslack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the process
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type commands struct {
	Run      runCommand              `cmd:"" default:"withargs" help:"Measure a running member of the family, or compare several: latency, CPU, memory, energy (the default command)."`
	Report   performance.Command     `cmd:"" help:"Measure every target of this project on this machine, and write docs/performance.md and the figures in README.md."`
	Compare  comparison.Command      `cmd:"" help:"Measure members of the family beside each other, each started and stopped in turn, and write docs/comparison.md."`
	Load     load.Command            `cmd:"" help:"Run the family's load test with k6 against all services in one process, and compare acknowledged fights with stored ones."`
	Overload overload.Command        `cmd:"" help:"Send a running service more load than it can handle, and show how it behaves."`
	Version  versionCommand          `cmd:"" help:"Print the version."`
	Floor    floorCommand            `cmd:"" hidden:"" help:"Run the bare HTTP handler that is the baseline for comparisons."`
	Stub     performance.StubCommand `cmd:"" hidden:"" help:"Run a fights service that stores nothing."`
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// gcPercent is GOGC of the services under load, which the load generator and the floor server use as well.
const gcPercent = 400

// version is set in release builds.
var version = ""

// run parses and executes a command line, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := -1
	parser := kong.Must(&commands{},
		kong.Name("superheroes-bench"),
		kong.Description("Measure Super Heroes in Go, and other members of its family."),
		kong.Vars{
			"mixes": strings.Join(measure.MixNames(), ", "), "wattsSource": energy.CloudCarbonFootprint().Source,
			"experiments": strings.Join(performance.Names(), ", "), "drain_delay": "0s",
		},
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Exit(func(code int) { exited = code }),
	)
	command, err := parser.Parse(args)
	if exited >= 0 { // --help was printed
		return exited
	}
	if err != nil {
		return misused(stderr, err)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(parser)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(measure.UsageError)):
		return misused(stderr, err)
	}
	fmt.Fprintln(stderr, "superheroes-bench:", err)
	return exitError
}

// misused reports a usage error.
func misused(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "superheroes-bench: %v; see superheroes-bench --help\n", err)
	return exitUsage
}

type versionCommand struct{}

func (versionCommand) Run(k *kong.Kong) error {
	_, err := fmt.Fprintln(k.Stdout, "superheroes-bench", buildinfo.Version(version))
	return err
}

// floorCommand runs the floor server, a bare HTTP handler that is the baseline for comparisons, until standard input is
// closed.
type floorCommand struct {
	Size  int               `arg:"" help:"Response size in bytes."`
	Slack timerslack.Config `embed:""`
}

func (c floorCommand) Run(k *kong.Kong) error {
	c.Slack.Raise()
	return measure.ServeFloor(c.Size, os.Stdin, k.Stdout)
}
