// Package overload shows what a running service does under more load than it can carry:
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
// It finds the most that 64 connections get, then sends half of that, factor times that for a while, and half again; a
// closed loop of 2,048 connections whose clients wait as Retry-After says; and a retry storm, in which every refused
// client sends again at once, three times. The load generator takes its part of the machine's cores.
package overload

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Command is the command line of an experiment.
type Command struct {
	URL         string        `name:"url" default:"http://127.0.0.1:8004" help:"Base URL of fights."`
	Factor      float64       `default:"2" help:"How many times the capacity is asked for."`
	Duration    time.Duration `default:"10s" help:"Length of each phase."`
	Connections int           `default:"2048" help:"Most connections."`
	Pid         []int         `placeholder:"N" help:"Processes whose memory is shown."`

	out io.Writer
}

// slack is what the 99th percentile may differ by between two equal phases.
const slack = 1.5

// Run runs the phases one after the other, and prints what came of each.
func (c *Command) Run(ctx context.Context, k *kong.Kong) error {
	c.out = k.Stdout
	peak, err := c.phase(ctx, "capacity", load{conns: 64, lasts: c.Duration})
	if err != nil {
		return err
	}
	capacity := peak.goodput()
	if capacity == 0 {
		return fmt.Errorf("no fight was answered at %s", c.URL)
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
		fmt.Fprintf(c.out, "  => goodput %.0f %% of capacity; p99 at half as before (<= %s) after %s\n",
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

// memory returns the resident memory of the processes, now and at most.
func (c *Command) memory() string {
	text := ""
	for _, pid := range c.Pid {
		text += "  " + strconv.Itoa(status(pid, "VmRSS")>>10) + "/" + strconv.Itoa(status(pid, "VmHWM")>>10) + " MiB"
	}
	return text
}

// status returns a field of /proc/PID/status, in KiB.
func status(pid int, field string) int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), field+":"); found {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return kib
		}
	}
	return 0
}
