// Superheroes runs the services of Super Heroes in Go: all of them in one process, or a single service.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kong"

	"superheroes/internal/app"
	"superheroes/internal/buildinfo"
	"superheroes/internal/timerslack"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, timerslack.Config.Raise))
}

// commands defines the subcommands. The `set` struct tags contain the defaults that differ between services.
type commands struct {
	Up         upCommand                          `cmd:"" default:"withargs" set:"drain_delay=0s" set:"admin_addr=127.0.0.1:8006" set:"database_url=" set:"mysql_url=" set:"mongodb_url=" help:"Run every service in one process (the default command)."`
	Heroes     serviceCommand[app.HeroesConfig]   `cmd:"" set:"addr=:8001" set:"drain_delay=3s" set:"admin_addr=" set:"database_url=postgres://superman:superman@heroes-db:5432/heroes_database" help:"Run the heroes service."`
	Villains   serviceCommand[app.VillainsConfig] `cmd:"" set:"addr=:8002" set:"drain_delay=3s" set:"admin_addr=" set:"database_url=postgres://superman:superman@villains-db:5432/villains_database" help:"Run the villains service."`
	Locations  serviceCommand[app.LocationConfig] `cmd:"" set:"addr=:8003" set:"drain_delay=3s" set:"admin_addr=" set:"mysql_url=mysql://locations:locations@locations-db/locations_database" help:"Run the locations service."`
	Fights     serviceCommand[app.FightConfig]    `cmd:"" set:"addr=:8004" set:"drain_delay=3s" set:"admin_addr=" set:"mongodb_url=mongodb://superfight:superfight@fights-db:27017/fights" help:"Run the fights service."`
	Statistics statisticsCommands                 `cmd:"" help:"Run the statistics service, or recount all fights."`
	Arena      serviceCommand[app.ArenaConfig]    `cmd:"" set:"addr=:8000" set:"drain_delay=3s" set:"admin_addr=" help:"Run the battle page."`
	Migrate    migrateCommand                     `cmd:"" set:"database_url=" set:"mysql_url=" set:"mongodb_url=" help:"Create missing tables, fill them with the shipped roster, and exit."`
	Backup     backupCommand                      `cmd:"" help:"Back up the embedded store, even while it is in use."`
	Import     importCommand                      `cmd:"" help:"Import heroes, villains or locations from SQL, JSON Lines or CSV files."`
	Export     exportCommand                      `cmd:"" help:"Export heroes, villains or locations as JSON Lines or CSV."`
	Seed       seedCommand                        `cmd:"" help:"Generate any number of heroes, villains or locations, to try out a large catalog."`
	Bench      movedCommand                       `cmd:"" hidden:"" help:"Moved to a separate program, superheroes-bench."`
	Health     healthCommand                      `cmd:"" help:"Check whether services on this host are ready; exit with 1 if one is not."`
	Completion completionCommand                  `cmd:"" help:"Print a script that completes commands and flags in bash, zsh or fish."`
	Version    versionCommand                     `cmd:"" help:"Print the version."`
	Help       helpCommand                        `cmd:"" help:"Print this help, or the help for a command."`
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
	// exitSignal plus the number of a signal is the exit code of a command that the signal cut short.
	exitSignal = 128
)

// settleTime is how long after startup the program frees the memory that only startup needed.
const settleTime = 2 * time.Second

// session holds the streams and hooks that a command uses.
type session struct {
	stdout, stderr io.Writer
	parser         *kong.Kong
	helped         func() bool             // reports whether help was requested and printed
	signal         atomic.Int32            // number of the signal that cut the command short; 0 if none did
	raiseSlack     func(timerslack.Config) // sets the timer slack; may re-execute the program
}

// run executes a command line and returns the exit code. A command that runs a single service calls raiseSlack before
// it opens anything.
func run(args []string, stdout, stderr io.Writer, raiseSlack func(timerslack.Config)) int {
	switch {
	case len(args) == 1 && args[0] == "--version":
		args = []string{"version"}
	case len(args) > 1 && args[0] == completeArgument:
		return complete(stdout, args[1:])
	}
	exited := -1
	helped := func() bool { return exited >= 0 }
	parser, err := newParser(grammar(args), stdout, stderr, func(code int) { exited = code })
	if err != nil {
		return fail(stderr, err, args)
	}
	command, err := parser.Parse(args)
	if helped() {
		if len(args) == 1 {
			explainDefault(parser)
		}
		return exited
	}
	if err != nil {
		return fail(stderr, usageError{badUsage(err, args)}, args)
	}
	// Limit the Go runtime to nine tenths of the container's memory limit, if there is one. If GOMEMLIMIT is set, it
	// takes precedence.
	_, _ = memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithRatio(0.9))
	if choosesGC() {
		debug.SetGCPercent(busyPercent)
	}
	s := &session{stdout: stdout, stderr: stderr, parser: parser, helped: helped, raiseSlack: raiseSlack}
	err = command.Run(s)
	if number := s.signal.Load(); number > 0 && err != nil {
		fail(stderr, fmt.Errorf("interrupted: %w", err), args)
		return exitSignal + int(number)
	}
	if err != nil {
		return fail(stderr, err, args)
	}
	return exitOK
}

// fail prints err on one line, or each of several failures on its own, and returns the corresponding exit code.
func fail(stderr io.Writer, err error, args []string) int {
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "%s %s; see superheroes %s--help\n", styled(stderr, "superheroes:", boldRed), oneLine(err.Error()), commandIn(args))
		return exitUsage
	}
	lines, several := errors.AsType[failures](err)
	if !several {
		lines = failures{err.Error()}
	}
	for _, line := range lines {
		fmt.Fprintln(stderr, styled(stderr, "superheroes:", boldRed), oneLine(line))
	}
	return exitError
}

// commandIn returns the command that a command line names, followed by a space, or "" if it names none.
func commandIn(args []string) string {
	if len(args) > 0 && slices.Contains(shownCommands(), args[0]) {
		return args[0] + " "
	}
	return ""
}

// shownCommands returns the names of all commands that the help lists.
func shownCommands() []string {
	var names []string
	for field := range reflect.TypeFor[commands]().Fields() {
		if _, hidden := field.Tag.Lookup("hidden"); !hidden {
			names = append(names, strings.ToLower(field.Name))
		}
	}
	return names
}

// oneLine replaces line breaks with semicolons, and other control characters with spaces.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(text, "\n", "; "))
}

// grammar returns the subset of commands that the command line needs: the command that it names, up if it names none,
// or all commands if the choice is unclear or help may be needed. Building the parser takes 5 ms with all commands, but
// only 1 ms with a single command.
func grammar(args []string) any {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return &commands{}
	}
	name := "up"
	if len(args) > 0 {
		name = args[0]
	}
	all := reflect.TypeFor[commands]()
	named, found := all.FieldByNameFunc(func(field string) bool { return strings.ToLower(field) == name })
	if !found || named.Type == reflect.TypeFor[helpCommand]() {
		return &commands{}
	}
	return reflect.New(reflect.StructOf([]reflect.StructField{named})).Interface()
}

// usageError reports an invalid command line.
type usageError struct{ error }

// version is the program's version, which release builds set.
var version = ""

type versionCommand struct{}

func (versionCommand) Run(s *session) error {
	_, err := fmt.Fprintf(s.stdout, "superheroes %s, %s\n", buildinfo.Version(version), runtime.Version())
	return err
}

// movedCommand replaces the former bench command. Whatever its arguments, the command returns an error that names the
// new program.
type movedCommand struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

func (movedCommand) Run(*session) error {
	const moved = "the bench is now a separate program: superheroes-bench, or go run -C bench . in the sources"
	return usageError{errors.New(moved)}
}

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command to explain."`
}

func (h helpCommand) Run(s *session) error {
	if _, err := s.parser.Parse(append(h.Command, "--help")); err != nil && !s.helped() {
		return usageError{err}
	}
	if len(h.Command) == 0 {
		explainDefault(s.parser)
	}
	return nil
}

// explainDefault adds the help for the default command to the list of commands.
func explainDefault(parser *kong.Kong) {
	fmt.Fprintln(parser.Stdout)
	_, _ = parser.Parse([]string{"up", "--help"}) // an error would only mean that help was printed
}

// settle frees the memory that only startup needed, and lets GOGC adapt from then on.
func settle() {
	debug.FreeOSMemory()
	if choosesGC() {
		adaptGC()
	}
}

// serve starts services, and runs until the program receives a signal. A second signal stops the program immediately.
// Unless announce is nil, serve reports the start's progress, and then calls announce with the addresses.
func (s *session) serve(start func(context.Context, *app.App) error, announce func([]app.Endpoint)) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := app.New(buildinfo.Version(version), s.stderr)
	if announce != nil {
		s.reportStart(a)
	}
	started := make(chan error, 1)
	go func() { started <- start(ctx, a) }()
	select {
	case err := <-started:
		if err != nil {
			return err
		}
	case <-signals: // a signal arrived while a store was being opened
		cancel()
		if err := <-started; err != nil {
			return nil // the services hadn't started yet
		}
		return a.Stop(ctx)
	}
	if announce != nil {
		announce(a.Endpoints())
	}
	defer time.AfterFunc(settleTime, settle).Stop()
	<-signals
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return a.Stop(ctx)
}
