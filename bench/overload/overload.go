// Package overload shows how a running service behaves under more load than it can handle:
//
//	superheroes up &
//	superheroes-bench overload --factor 2
//
// or, with four processes:
//
//	superheroes heroes --profile=strict --addr=127.0.0.1:8001 --database-url=sqlite:heroes.db &
//	superheroes villains --profile=strict --addr=127.0.0.1:8002 --database-url=sqlite:villains.db &
//	superheroes locations --profile=strict --addr=127.0.0.1:8003 --mysql-url=sqlite:locations.db &
//	superheroes fights --profile=strict --addr=127.0.0.1:8004 --mongodb-url=sqlite:fights.db --heroes-url=http://127.0.0.1:8001 \
//		--villains-url=http://127.0.0.1:8002 --locations-url=http://127.0.0.1:8003 &
//	superheroes-bench overload --factor 3 --connections 9000 --pid $!
//
// The experiment first measures the service's capacity: the throughput of 64 connections in a closed loop. Then it
// applies a load of half the capacity, followed by three trials: a load of --factor times the capacity; a closed loop
// with the maximum number of connections, whose clients honour Retry-After; and a retry storm of --factor times the
// capacity, in which every refused client retries immediately, up to three times. After each trial, it again
// applies a load of half the capacity, to see how long the service takes to recover. The load generator shares the
// machine's cores with the service.
package overload

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"superheroes/bench/proc"
)

// Command holds the command-line options of an overload experiment.
type Command struct {
	URL         string        `name:"url" default:"http://127.0.0.1:8004" help:"Base URL of fights."`
	Factor      float64       `default:"2" help:"Load to send, as a multiple of the capacity."`
	Duration    time.Duration `default:"10s" help:"Length of each phase."`
	Connections int           `default:"2048" help:"Maximum number of connections."`
	Pid         []int         `placeholder:"N" help:"IDs of the processes whose memory is shown."`

	out io.Writer
}

// slack is the factor by which the 99th-percentile latency may grow between two phases with the same load.
const slack = 1.5

// Run runs the phases of the experiment one after the other and prints the outcome of each.
func (c *Command) Run(ctx context.Context, k *kong.Kong) error {
	c.out = k.Stdout
	peak, err := c.phase(ctx, "capacity", load{conns: 64, lasts: c.Duration})
	if err != nil {
		return err
	}
	capacity := peak.goodput()
	if capacity == 0 {
		return fmt.Errorf("no fight succeeded at %s", c.URL)
	}
	half := load{conns: c.Connections, rate: capacity / 2, lasts: c.Duration}
	before, err := c.phase(ctx, "half of it", half)
	if err != nil {
		return err
	}
	usual := time.Duration(slack * float64(before.total().quantile(0.99)))
	over := load{conns: c.Connections, rate: capacity * c.Factor, lasts: c.Duration}
	storm := over
	storm.repeats = 3
	for _, trial := range []struct {
		name string
		load load
	}{
		{fmt.Sprintf("%g times", c.Factor), over},
		{"closed loop, waits", load{conns: c.Connections, waits: true, lasts: c.Duration}},
		{"retry storm", storm},
	} {
		during, err := c.phase(ctx, trial.name, trial.load)
		if err != nil {
			return err
		}
		after, err := c.phase(ctx, "half again", half)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "  => goodput %.0f %% of capacity; p99 at half the load back to normal (<= %s) after %s\n",
			100*during.goodput()/capacity, short(usual), after.settled(usual))
	}
	return nil
}

func (c *Command) phase(ctx context.Context, name string, l load) (*outcome, error) {
	l.url = c.URL
	o, err := l.put(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	fmt.Fprintf(c.out, "%-20s %-36s %s%s\n", name, l, o, c.memory())
	return o, nil
}

// memory formats the current and the peak resident memory of each process.
func (c *Command) memory() string {
	text := ""
	for _, pid := range c.Pid {
		status := proc.System().Status(pid)
		text += fmt.Sprintf("  %d/%d MiB", status["VmRSS"]>>10, status["VmHWM"]>>10)
	}
	return text
}
