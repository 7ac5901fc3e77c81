// Command performance is what `make bench` runs: it measures every target of this project on this machine and writes
// docs/performance.md with its plots, and the figures of README.md.
//
//	go run ./bench/performance                        # everything, some twenty minutes
//	go run ./bench/performance --quick                # some minutes
//	go run ./bench/performance --only fights-32,idle --out build/bench
//	go run ./bench/performance --from docs/performance/results.json   # the documents again, without measuring
//
// The database servers are found or started as the tests do it (package engines).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

func main() {
	endWithStarter()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// command is what a command line asks for.
type command interface {
	Run(ctx context.Context, progress io.Writer) error
}

// stubName, as the first argument, asks for the process that stores nothing.
const stubName = "stub"

// run is main for one command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var asked command = &measureCommand{}
	if len(args) > 0 && args[0] == stubName {
		asked, args = &stubCommand{}, args[1:]
	}
	exited := -1
	parser, err := kong.New(asked, kong.Name("performance"), kong.Description("Measure Super Heroes in Go on this machine, and write docs/performance.md."),
		kong.Vars{"drain_delay": "0s", "experiments": strings.Join(names(), ", ")},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if exited >= 0 { // help was asked for, and printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "performance: %v; see --help\n", err)
		return exitUsage
	}
	if err := asked.Run(ctx, stderr); err != nil {
		fmt.Fprintln(stderr, "performance:", err)
		return exitError
	}
	return exitOK
}

type measureCommand struct {
	Quick bool     `help:"Some minutes: few and short runs, whose figures are rough."`
	Only  []string `placeholder:"NAME,…" help:"Only these: ${experiments}."`
	Out   string   `default:"docs" help:"Folder for performance.md and performance/; the figures of README.md beside it are replaced too."`
	From  string   `placeholder:"FILE" help:"Write the documents from these results, and measure nothing."`
}

// Validate refuses names that aren't known.
func (c *measureCommand) Validate() error {
	for _, name := range c.Only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("--only: there is no %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	return nil
}

func names() []string {
	var all []string
	for _, e := range experiments() {
		all = append(all, e.name)
	}
	return all
}

// Run measures and writes.
func (c *measureCommand) Run(ctx context.Context, progress io.Writer) error {
	if c.From != "" {
		results, err := load(c.From)
		if err != nil {
			return err
		}
		return results.write(c.Out)
	}
	p := full()
	if c.Quick {
		p = quick()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	results, err := runExperiments(ctx, p, c.Only, []string{self, stubName}, progress)
	if err != nil {
		return err
	}
	return results.write(c.Out)
}

// gcPercent is that of the program's own commands, `superheroes bench` among them.
const gcPercent = 400

// runExperiments makes the experiments that are named, all when none is. What can't be measured is noted in the results.
func runExperiments(ctx context.Context, p plan, only, stub []string, progress io.Writer) (*Results, error) {
	debug.SetGCPercent(gcPercent)
	begin := time.Now()
	r := &Results{Date: begin.UTC(), Plan: p, Machine: machine(), Meter: meter(), Missing: map[string]string{}}
	l, err := newLab(ctx, p, stub, progress)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := l.close(); err != nil {
			l.say("not all was cleared away: %v", err) // what was measured is good all the same
		}
	}()
	r.Version = l.version(ctx)
	for _, e := range experiments() {
		if len(only) > 0 && !slices.Contains(only, e.name) {
			continue
		}
		started := time.Now()
		if err := e.run(l, ctx, r); err != nil {
			if ctx.Err() != nil {
				return nil, errors.New("interrupted: nothing is written")
			}
			r.Missing[e.name] = err.Error()
			l.say("%s: NOT MEASURED: %v", e.name, err)
		}
		l.say("%s took %.0f s", e.name, time.Since(started).Seconds())
	}
	r.Stores, r.Took = l.stores.names(), time.Since(begin).Seconds()
	return r, nil
}
