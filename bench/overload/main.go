// Command overload shows what a running service does under more load than it can carry:
//
//	superheroes up &
//	go run ./bench/overload --factor 2
//
// or, with four processes:
//
//	superheroes heroes --profile=strict --addr=127.0.0.1:8001 --database-url=sqlite:heroes.db &
//	superheroes villains --profile=strict --addr=127.0.0.1:8002 --database-url=sqlite:villains.db &
//	superheroes locations --profile=strict --addr=127.0.0.1:8003 --mysql-url=sqlite:locations.db &
//	superheroes fights --profile=strict --addr=127.0.0.1:8004 --mongodb-url=sqlite:fights.db --heroes-url=http://127.0.0.1:8001 \
//		--villains-url=http://127.0.0.1:8002 --locations-url=http://127.0.0.1:8003 &
//	go run ./bench/overload --factor 3 --connections 9000 --pid $!
//
// It finds the most that 64 connections get, then sends half of that, factor times that for a while, and half again; a
// closed loop of 2,048 connections whose clients wait as Retry-After says; and a retry storm, in which every refused
// client sends again at once, three times. The load generator takes its part of the machine's cores.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	var e experiment
	var pids string
	flag.StringVar(&e.url, "url", "http://127.0.0.1:8004", "base URL of fights")
	flag.Float64Var(&e.factor, "factor", 2, "how many times the capacity is asked for")
	flag.DurationVar(&e.lasts, "duration", 10*time.Second, "length of each phase")
	flag.IntVar(&e.conns, "connections", 2048, "most connections")
	flag.StringVar(&pids, "pid", "", "processes whose memory is shown, separated by commas")
	flag.Parse()
	if pids != "" {
		e.pids = strings.Split(pids, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := e.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type experiment struct {
	url    string
	factor float64
	lasts  time.Duration
	conns  int
	pids   []string
}

// slack is what the 99th percentile may differ by between two equal phases.
const slack = 1.5

func (e experiment) run(ctx context.Context) error {
	peak, err := e.phase(ctx, "capacity", load{conns: 64, lasts: e.lasts})
	if err != nil {
		return err
	}
	capacity := peak.goodput()
	if capacity == 0 {
		return fmt.Errorf("no fight was answered at %s", e.url)
	}
	half := load{conns: e.conns, rate: capacity / 2, lasts: e.lasts}
	before, err := e.phase(ctx, "half of it", half)
	if err != nil {
		return err
	}
	usual := time.Duration(slack * float64(before.total().quantile(0.99)))
	over := load{conns: e.conns, rate: capacity * e.factor, lasts: e.lasts}
	storm := over
	storm.repeats = 3
	for _, trial := range []struct {
		name string
		load load
	}{
		{fmt.Sprintf("%g times", e.factor), over},
		{"closed loop, waits", load{conns: e.conns, waits: true, lasts: e.lasts}},
		{"retry storm", storm},
	} {
		during, err := e.phase(ctx, trial.name, trial.load)
		if err != nil {
			return err
		}
		after, err := e.phase(ctx, "half again", half)
		if err != nil {
			return err
		}
		fmt.Printf("  => goodput %.0f %% of capacity; p99 at half as before (<= %s) after %s\n",
			100*during.goodput()/capacity, short(usual), after.settled(usual))
	}
	return nil
}

func (e experiment) phase(ctx context.Context, name string, l load) (*outcome, error) {
	l.url = e.url
	o, err := l.put(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	fmt.Printf("%-20s %-36s %s%s\n", name, l, o, e.memory())
	return o, nil
}

// memory returns the resident memory of the processes, now and at most.
func (e experiment) memory() string {
	text := ""
	for _, pid := range e.pids {
		text += "  " + strconv.Itoa(status(pid, "VmRSS")>>10) + "/" + strconv.Itoa(status(pid, "VmHWM")>>10) + " MiB"
	}
	return text
}

// status returns a field of /proc/PID/status, in KiB.
func status(pid, field string) int {
	file, err := os.Open("/proc/" + pid + "/status")
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
