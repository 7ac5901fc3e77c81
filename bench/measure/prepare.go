package measure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"superheroes/bench/proc"
)

// find fills in the targets' profiles and processes. It returns an error if a process specified by the user doesn't
// exist.
func (o Options) find(report *Report) error {
	for i := range o.Targets {
		t := &o.Targets[i]
		t.profile = t.askProfile(o.Timeout)
		named := len(t.PIDs) > 0
		unserved, err := t.find(o.system)
		if err != nil {
			report.note("the processes of %s are unknown: %v", t.Name, err)
			t.unseen, t.hidden = fmt.Sprintf("the processes of %s are unknown", t.Name), true
			continue
		}
		if len(unserved) > 0 {
			t.unseen = fmt.Sprintf("the processes at %s are unknown; name them with pid=", strings.Join(unserved, ", "))
			t.hidden = slices.ContainsFunc(unserved, local)
		}
		pids := t.processes()
		if len(pids) == 0 {
			report.note("the processes of %s are unknown: "+
				"no process that can be inspected listens at its addresses on this host", t.Name)
			continue
		}
		tree, err := o.system.Tree(pids)
		if err != nil {
			return UsageError{fmt.Errorf("the processes of %s: %w", t.Name, err)}
		}
		report.note("CPU and memory figures for %s cover %s and their descendants", t.Name, describe(tree, pids))
		t.nameStores(tree)
		if len(unserved) > 0 {
			report.note("CPU and memory figures for %s are INCOMPLETE: no process that can be inspected listens at %s on this host; "+
				"name processes with pid=", t.Name, strings.Join(unserved, ", "))
		}
		if others := t.unnamed(); !named && len(others) > 0 && o.Mix.asks(Fights) {
			t.uncovered = others
			report.note("CPU and memory figures for %s don't cover separate processes for %s, whose addresses were not given",
				t.Name, strings.Join(others, ", "))
		}
	}
	return nil
}

// describe lists the processes with the given PIDs by name.
func describe(tree []proc.Process, pids []int) string {
	var names []string
	for _, p := range tree {
		if slices.Contains(pids, p.PID) {
			names = append(names, fmt.Sprintf("%s (%d)", p.Name, p.PID))
		}
	}
	return strings.Join(names, ", ")
}

// nameStores names the target's stores after their processes, unless they already have names.
func (t *Target) nameStores(tree []proc.Process) {
	if len(t.StoreNames) > 0 {
		return
	}
	for _, p := range tree {
		if slices.Contains(t.StorePIDs, p.PID) && !slices.Contains(t.StoreNames, p.Name) {
			t.StoreNames = append(t.StoreNames, p.Name)
		}
	}
}

// floor starts the floor server, whose responses are as large as the target's, and pins it to the target's cores.
func (o Options) floor(ctx context.Context, report *Report) (*Floor, error) {
	if len(o.Floor) == 0 {
		report.note("the floor server was not measured")
		return nil, nil
	}
	size, err := o.probe(o.Targets[0], o.Mix)
	if err != nil {
		return nil, err
	}
	size = max(size, minFloor)
	procs := o.floorProcs()
	command := exec.CommandContext(ctx, o.Floor[0], append(slices.Clone(o.Floor[1:]), strconv.Itoa(size))...)
	command.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(procs))
	floor, err := StartFloor(command)
	if err != nil {
		return nil, err
	}
	floor.size = size
	report.Plan.FloorProcs, report.Plan.FloorSize = procs, size
	if len(o.PinTarget) > 0 {
		if err := proc.Pin(floor.Target.PIDs[0], o.PinTarget); err != nil {
			floor.Stop()
			return nil, err
		}
	}
	return floor, nil
}

// probe runs one iteration and returns the size of the last response.
func (o Options) probe(target Target, mix Mix) (size int, err error) {
	c, err := newClient(target, o.Timeout)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if err := mix.turns[0].do(c); err != nil && !errors.Is(err, errWrong) {
		return 0, fmt.Errorf("no response from %s: %w", target.Name, err)
	}
	return c.size, nil
}

// floorProcs returns GOMAXPROCS for the floor server: the configured value, else the value that the target was started
// with, else the number of cores available to the target (or to this process, if the target's cores are unknown).
func (o Options) floorProcs() int {
	if o.FloorProcs > 0 {
		return o.FloorProcs
	}
	if len(o.Targets[0].PIDs) > 0 {
		pid := o.Targets[0].PIDs[0]
		if procs, err := strconv.Atoi(o.system.Variable(pid, "GOMAXPROCS")); err == nil && procs > 0 {
			return procs
		}
		if cores, err := proc.Cores(pid); err == nil {
			return len(cores)
		}
	}
	return runtime.NumCPU()
}

// pin pins the targets and this process to the requested cores, and returns a function that undoes the pinning.
func (o Options) pin() (undo func(), err error) {
	var undos []func()
	undo = func() {
		for _, u := range undos {
			u()
		}
	}
	one := func(pid int, cores []int) error {
		before, err := proc.Cores(pid)
		if err != nil {
			return UsageError{err}
		}
		undos = append(undos, func() { _ = proc.Pin(pid, before) }) // the process may have exited
		if err := proc.Pin(pid, cores); err != nil {
			return UsageError{err}
		}
		return nil
	}
	if len(o.PinSelf) > 0 {
		if err := one(selfPID(), o.PinSelf); err != nil {
			return undo, err
		}
		procs := runtime.GOMAXPROCS(len(o.PinSelf))
		undos = append(undos, func() { runtime.GOMAXPROCS(procs) })
	}
	if len(o.PinTarget) == 0 {
		return undo, nil
	}
	for _, target := range o.Targets {
		tree, err := o.system.Tree(target.processes())
		if err != nil {
			return undo, err
		}
		for _, p := range tree {
			if err := one(p.PID, o.PinTarget); err != nil {
				return undo, err
			}
		}
	}
	return undo, nil
}
