// Conformance scores a running member of the Super Heroes family by the contract, over HTTP only, whatever it is written
// in:
//
//	go run ./conformance --fights http://localhost:8004 --heroes http://localhost:8001 \
//	    --villains http://localhost:8002 --locations http://localhost:8003
//
// Each clause of the contract has a stable id and passes, fails (with what was sent, what came back and what was
// expected) or is skipped (with the reason). The last line is the score: "passed N, failed N, skipped N".
//
// To score another member of the family start it, take its addresses, and ask for the clauses that the whole family
// has; without --group those that only this application promises are checked too:
//
//	go run ./conformance --group core --fights http://localhost:8004 …
//
// The clauses of the group writes, that catalogs can be edited, are checked only with the administrator's token of the
// member: --admin-token or ADMIN_TOKEN. They delete the entries that they add.
//
// The clauses of the battle page, a group of their own, are checked where its address is given:
//
//	go run ./conformance --group arena --arena http://localhost:8000 --fights http://localhost:8004 …
//
// A member that counts its fights is scored for that too when --statistics says where, or for nothing else with
// --group statistics.
//
// With --loopback, for services that listen on loopback addresses, it is checked that they answer to no other Host.
//
// --json writes the score as JSON in place of the text, --junit FILE as JUnit XML besides. The exit code is 0 only
// when every clause of the asked group passed: 1 when one failed or was skipped, 2 when the command line was wrong.
//
// A member that can't show its fights, neither in a list nor by id, gets "cannot be checked: stored?" where a fight
// must be stored before it is answered. That counts as skipped: nobody knows.
//
// What the suite does to a member: it reads, asks for what must be refused, and has some 350 fights fought, which
// stay. It changes no hero, villain or location but those that it adds when it has a token, and deletes. It sends at most 30,000 requests, each once, on a connection of its
// own, at most 8 at the same time, and waits for none longer than --timeout. Others may fight there meanwhile: a clause
// about the count or the newest fights is checked again when they disturbed it. Nobody else may change a catalog. Our
// clock and the member's may differ by up to a minute.
//
// What can't be seen from outside is not scored: that the three fetches of a fight happen at the same time, that a
// list takes bounded memory, that a stored fight outlives a crash. What takes a peer or a store to break (502, 503,
// 504) is not either; the tests in test/faults do that to ours.
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
	Heroes     string        `required:"" placeholder:"URL" help:"Where heroes answers, as in http://localhost:8001."`
	Villains   string        `required:"" placeholder:"URL" help:"URL of villains."`
	Locations  string        `required:"" placeholder:"URL" help:"URL of locations."`
	Fights     string        `required:"" placeholder:"URL" help:"URL of fights."`
	Statistics string        `placeholder:"URL" help:"Where statistics answers, to check its clauses too."`
	Group      suite.Group   `enum:"core,full,writes,statistics,arena" default:"full" help:"core: what every member of the family has. full: all that this application promises. writes, statistics, arena: only what takes the token, what counts the fights, what the battle page promises."`
	Token      string        `name:"admin-token" env:"ADMIN_TOKEN" placeholder:"TOKEN" help:"The member's administrator's token; with it the clauses of the group writes are checked too."`
	Arena      string        `placeholder:"URL" help:"Where the battle page answers, to check its clauses too."`
	Loopback   bool          `help:"The services listen on loopback addresses: check that they refuse the names of others as Host. Those in containers do not, also where their ports are published there."`
	JSON       bool          `name:"json" help:"Write the score as JSON."`
	JUnit      string        `name:"junit" placeholder:"FILE" help:"Write the score as JUnit XML to this file too."`
	Timeout    time.Duration `default:"15s" help:"Longest time an answer may take."`
}

// run is main for one command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	exited := -1
	parser, err := kong.New(&o, kong.Name("conformance"), kong.Description("Score a member of the Super Heroes family by the contract."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if exited >= 0 { // help was asked for, and printed
		return exited
	}
	if err != nil {
		return usage(stderr, err)
	}
	switch {
	case o.Timeout <= 0:
		return usage(stderr, errors.New("--timeout: must be above 0"))
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

// createJUnit creates the file, before the run, which is no good when its score can't be kept; nil when none is wanted.
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
