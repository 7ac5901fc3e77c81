// Command chaos implements `make chaos`: it generates load and pairs of simultaneous faults from a seeded timetable,
// on a single process and on separate processes with real database servers, and compares the responses that clients
// got with the stored fights and the statistics. It writes docs/reliability.md.
//
//	go run ./test/chaos                                   # every scenario
//	go run ./test/chaos --list
//	go run ./test/chaos --scenario "killed under overload" --seed 7 --duration 1m
//	go run ./test/chaos --tags chaos_count_twice          # a deliberately broken build, which must be caught
//
// The database servers are found or started as in tests (package engines).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/test/faulty"

	"github.com/alecthomas/kong"

	"superheroes/test/engines/find"
	"superheroes/test/procgroup"
)

// command contains the command-line flags.
type command struct {
	Seed     uint64        `default:"1" help:"Seed for the timetable of requests and faults."`
	Scenario []string      `placeholder:"NAME" sep:"none" help:"Run only this scenario; repeatable. No report is written then."`
	Duration time.Duration `default:"5m" help:"Total time under load for all scenarios; each runs for at least one round of 4s. Starting, recovery and checks take additional time."`
	Rows     int           `default:"1000000" help:"Number of heroes in the searched table."`
	Tags     string        `enum:",chaos_acknowledge_early,chaos_drop_on_restart,chaos_count_twice" default:"" placeholder:"TAG" help:"Build the program with a deliberate fault, which makes the run fail: chaos_acknowledge_early, chaos_drop_on_restart or chaos_count_twice."`
	Out      string        `default:"docs/reliability.md" help:"File to write the report to."`
	List     bool          `help:"List the scenarios without running them."`
}

// roundLength is how long load is generated in each round.
const roundLength = 4 * time.Second

// brokenPatience is how long to wait for correct statistics from a deliberately broken build, whose statistics may
// never become correct.
const brokenPatience = 5 * time.Second

func main() {
	procgroup.DieWithParent()
	c := &command{}
	kong.Parse(c, kong.Name("chaos"),
		kong.Description("Inject faults into Super Heroes in Go under load, and check that no fight is lost, duplicated or miscounted."))
	chosen, err := choose(scenarios(), c.Scenario)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v; see --list\n", err)
		os.Exit(2)
	}
	if c.List {
		list(os.Stdout, chosen)
		return
	}
	// The helpers that start and kill processes need a testing.T, so the scenarios run as a test.
	os.Args = []string{os.Args[0], "-test.v"}
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "chaos", F: func(t *testing.T) { c.run(t, chosen) }}}, nil, nil)
}

// choose returns the scenarios with the given names, or all scenarios if no names are given.
func choose(all []Scenario, names []string) (chosen []Scenario, err error) {
	for _, name := range names {
		i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
		chosen = append(chosen, all[i])
	}
	if len(names) == 0 {
		return all, nil
	}
	return chosen, nil
}

func list(to io.Writer, scenarios []Scenario) {
	for _, s := range scenarios {
		fmt.Fprintf(to, "%-45s %-30s %s\n", s.Name, s.System, s.conditions())
	}
}

// run runs the scenarios and writes the report.
func (c *command) run(t *testing.T, chosen []Scenario) {
	module, err := find.Module(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	findEngines(t, module)
	o := Options{
		Program: faulty.Build(t, c.Tags), Seed: c.Seed, Length: roundLength, Rows: c.Rows, Settles: startPatience, Rests: 20 * time.Second,
		Rounds: max(1, int(c.Duration/roundLength)/len(chosen)),
	}
	if c.Tags != "" {
		o.Settles = brokenPatience
	}
	report := Report{Date: time.Now(), Command: c.line(), Version: version(t.Context(), module),
		Cores: runtime.NumCPU(), Rows: c.Rows, Length: roundLength}
	begin := time.Now()
	for _, s := range chosen {
		report.Results = append(report.Results, runOne(t, s, o))
	}
	report.Took = time.Since(begin)
	for _, table := range []string{"fights", "costs"} {
		text, err := report.render(table)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(text)
	}
	if len(c.Scenario) > 0 || c.Tags != "" || c.Out == "" {
		return
	}
	path := filepath.Join(module, c.Out)
	if filepath.IsAbs(c.Out) {
		path = c.Out
	}
	text, err := report.render("page")
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// runOne runs a scenario as a subtest, which fails if the result contains a fault.
func runOne(t *testing.T, s Scenario, o Options) (r Result) {
	t.Run(s.Name, func(t *testing.T) {
		r = run(t, s, o)
		for _, fault := range r.Faults {
			t.Errorf("seed %d: %s", o.Seed, fault)
		}
	})
	return r
}

// line returns the command line that repeats a run.
func (c *command) line() string {
	return fmt.Sprintf(`make chaos ARGS="--seed %d --duration %s --rows %d"`, c.Seed, c.Duration, c.Rows)
}

// findEngines finds or starts the database servers and sets the environment variables that hold their URLs.
func findEngines(t *testing.T, module string) {
	found := find.New(module, os.Getenv, t.Logf).Servers(t.Context())
	closeAll := func() {
		for _, engine := range found {
			_ = engine.Close() // the operating system stops any remaining servers when this process exits
		}
	}
	t.Cleanup(closeAll)
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(interrupted, func() {
		closeAll()
		os.Exit(1)
	})
	_ = stop // stays open until the program exits
	for _, engine := range found {
		for _, setting := range engine.Env {
			name, value, _ := strings.Cut(setting, "=")
			t.Setenv(name, value)
		}
	}
}

// version returns the version of the source code.
func version(ctx context.Context, module string) string {
	output, err := exec.CommandContext(ctx, "git", "-C", module, "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(output))
}
