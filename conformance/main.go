// Conformance scores a running member of the Super Heroes family against the contract. The suite uses only HTTP, so
// the member's language doesn't matter:
//
//	go run ./conformance --fights http://localhost:8004 --heroes http://localhost:8001 \
//	    --villains http://localhost:8002 --locations http://localhost:8003
//
// Each clause of the contract has a stable id and passes, fails (with what was sent, what came back and what was
// expected) or is skipped (with the reason). The last line is the score: "passed N, failed N, skipped N".
//
// To score another member of the family, start it, pass its addresses, and select only the clauses that apply to the
// whole family:
//
//	go run ./conformance --group core --fights http://localhost:8004 …
//
// Without --group, the suite also checks the clauses that apply only to this application.
//
// The clauses in the "writes" group edit the catalogs, and delete the entries they add. The clauses in the "writes"
// group are checked only if the member's administrator token is given with --admin-token or ADMIN_TOKEN.
//
// The clauses about the battle page form a group of their own, and are checked if the page's address is given:
//
//	go run ./conformance --group arena --arena http://localhost:8000 --fights http://localhost:8004 …
//
// For a member with a statistics service, --statistics URL adds the clauses about that service; --group
// statistics selects only the clauses about statistics.
//
// With --loopback, conformance also checks that the services reject any Host header that is neither an IP address nor a
// loopback name. Use --loopback only for services that listen on loopback addresses.
//
// --json writes the score as JSON instead of text; --junit FILE additionally writes it as JUnit XML. The exit code is 0
// if every clause of the selected group passed, 1 if any failed or was skipped, and 2 if the command line was wrong.
//
// If a member offers no way to read fights, neither by id nor as a list, the suite can't check whether a fight was
// stored before the member responded. Such clauses are reported as "cannot be checked: stored?" and count as skipped.
//
// Effects on the member: the suite reads data, sends invalid requests that the member must reject, and creates about
// 350 fights, which remain stored. The suite never changes existing heroes, villains or locations; with a token, it
// adds entries of its own and deletes them afterwards. The suite sends at most 30,000 requests, at most 8 at a time,
// each exactly once on a new connection, and waits at most --timeout for each response. Other clients may create fights
// during the run: if a new fight disturbs the check of a clause about the count or the newest fights, the suite repeats
// that check.
// No other client may change a catalog during the run. The clocks of the member and of the machine that runs the suite
// may differ by up to a minute.
//
// The suite does not score what can't be observed from outside: whether the three fetches for a fight run concurrently,
// whether a list uses bounded memory, or whether a stored fight survives a crash. The suite also doesn't score how a
// member responds when a peer or its store fails (502, 503, 504); for this application, the tests in test/faults cover
// that.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"superheroes/conformance/report"
	"superheroes/conformance/suite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitPassed = 0
	exitFailed = 1
	exitUsage  = 2
)

type options struct {
	Heroes     string        `required:"" placeholder:"URL" help:"URL of heroes, such as http://localhost:8001."`
	Villains   string        `required:"" placeholder:"URL" help:"URL of villains."`
	Locations  string        `required:"" placeholder:"URL" help:"URL of locations."`
	Fights     string        `required:"" placeholder:"URL" help:"URL of fights."`
	Statistics string        `placeholder:"URL" help:"URL of the statistics service; if given, its clauses are checked too."`
	Group      suite.Group   `enum:"core,full,writes,statistics,arena" default:"full" help:"core: what every member of the family provides. full: everything this application promises. writes, statistics, arena: only the clauses that need the token, the statistics service, or the battle page."`
	Token      string        `name:"admin-token" env:"ADMIN_TOKEN" placeholder:"TOKEN" help:"Administrator token of the member; with it, the clauses of the group writes are checked too."`
	Arena      string        `placeholder:"URL" help:"URL of the battle page; if given, its clauses are checked too."`
	Loopback   bool          `help:"Also check that the services reject foreign names in the Host header. Only for services that listen on loopback addresses; not for services in containers, even if their ports are published on loopback."`
	JSON       bool          `name:"json" help:"Write the score as JSON."`
	JUnit      string        `name:"junit" placeholder:"FILE" help:"Also write the score, as JUnit XML, to this file."`
	Timeout    time.Duration `default:"15s" help:"Maximum time for a response."`
}

// run parses the command line, scores the member, writes the score and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	exited := -1
	parser, err := kong.New(&o, kong.Name("conformance"), kong.Description("Score a member of the Super Heroes family against the contract."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if exited >= 0 { // --help was given, and kong has printed the help
		return exited
	}
	if err != nil {
		return usage(stderr, err)
	}
	switch {
	case o.Timeout <= 0:
		return usage(stderr, errors.New("--timeout: must be greater than 0"))
	case o.Group == suite.Writes && o.Token == "":
		return usage(stderr, errors.New("--group writes needs --admin-token"))
	}
	junit, err := o.createJUnit()
	if err != nil {
		return usage(stderr, err)
	}
	target := suite.Target{Heroes: o.Heroes, Villains: o.Villains, Locations: o.Locations, Fights: o.Fights, Statistics: o.Statistics}
	outcomes, err := suite.Run(ctx, target, suite.Options{Group: o.Group, Token: o.Token, Arena: o.Arena, Timeout: o.Timeout, Loopback: o.Loopback})
	if err != nil {
		return usage(stderr, err)
	}
	if err := o.write(stdout, junit, outcomes); err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return exitFailed
	}
	if score := suite.ScoreOf(outcomes, ""); score.Failed > 0 || score.Skipped > 0 {
		return exitFailed
	}
	return exitPassed
}

func usage(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "conformance: %v; see --help\n", err)
	return exitUsage
}

// createJUnit creates the JUnit file before the run, so that an error is reported at once. createJUnit returns nil if
// --junit isn't given.
func (o options) createJUnit() (io.WriteCloser, error) {
	if o.JUnit == "" {
		return nil, nil
	}
	file, err := os.Create(o.JUnit)
	if err != nil {
		return nil, fmt.Errorf("--junit: %w", err)
	}
	return file, nil
}

func (o options) write(stdout io.Writer, junit io.WriteCloser, outcomes []suite.Outcome) error {
	write := report.Text
	if o.JSON {
		write = report.JSON
	}
	if err := write(stdout, outcomes); err != nil {
		return fmt.Errorf("writing the score: %w", err)
	}
	if junit == nil {
		return nil
	}
	if err := errors.Join(report.JUnit(junit, outcomes), junit.Close()); err != nil {
		return fmt.Errorf("writing the score as JUnit XML: %w", err)
	}
	return nil
}
