package measure

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"superheroes/bench/proc"
)

// maxStrangers is the maximum share of the cores that unrelated processes (strangers) and the hypervisor together may
// take during a valid run.
const maxStrangers = 0.05

// Surroundings describes what else used the machine's cores during the measured time.
//
// Strangers are all processes except the target, the stores that were given by PID, this process, and kernel threads.
// Contention between the target and the generator doesn't count, since they always share the cores.
type Surroundings struct {
	Load      float64    `json:"load_average"`    // one-minute load average before the run, including earlier load
	Cores     int        `json:"cores"`           // number of cores available to target and generator
	Strangers float64    `json:"strangers_share"` // share of the cores' time taken by unrelated processes; 0 if unknown
	Steal     float64    `json:"steal_share"`     // share of the cores' time that the hypervisor gave to other guests
	Busiest   []Stranger `json:"busiest_strangers,omitempty"`
	Unknown   string     `json:"unknown,omitempty"` // why the share of unrelated processes is unknown on at least one host
}

// Stranger is a process that is unrelated to the run.
type Stranger struct {
	PID   int     `json:"pid"`
	Name  string  `json:"name"`
	Share float64 `json:"share"` // of the cores' time
}

// fault returns the reason why other load on the machine makes a run void, or "" if the run is valid.
func (s Surroundings) fault() string {
	if s.Strangers+s.Steal <= maxStrangers {
		return ""
	}
	text := fmt.Sprintf("unrelated processes used %s of the cores", percent(s.Strangers))
	if s.Steal > 0 {
		text += " and the hypervisor " + percent(s.Steal)
	}
	text += fmt.Sprintf(" (limit %s)", percent(maxStrangers))
	var names []string
	for _, each := range s.Busiest {
		names = append(names, fmt.Sprintf("%s (%d) %s", each.Name, each.PID, percent(each.Share)))
	}
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ") + "; name processes of the target with pid= or store-pid="
	}
	return text
}

// percent formats a share as a percentage.
func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

// census holds a proc.Census, or the error that prevented the census.
type census struct {
	proc.Census
	cores []int
	err   error
}

func (m measurement) census() census {
	cores, err := m.sharedCores()
	if err != nil {
		return census{err: err}
	}
	read, err := m.system.Census(cores)
	return census{read, cores, err}
}

// sharedCores returns the cores that the generator or one of the target's processes may run on.
func (m measurement) sharedCores() ([]int, error) {
	cores, err := proc.Cores(selfPID())
	if err != nil {
		return nil, err
	}
	for _, pid := range m.target.processes() {
		of, err := proc.Cores(pid)
		if err != nil {
			return nil, err
		}
		cores = append(cores, of...)
	}
	slices.Sort(cores)
	return slices.Compact(cores), nil
}

// busiestStrangers is how many of the busiest unrelated processes a report names.
const busiestStrangers = 3

// since determines what else used the machine between two censuses of its processes.
func (now census) since(before census, target Target) Surroundings {
	s := Surroundings{Unknown: target.unseen, Cores: len(now.cores)}
	if err := cmp.Or(before.err, now.err); err != nil {
		if errors.Is(err, proc.ErrUnavailable) {
			err = fmt.Errorf("not available on %s", runtime.GOOS)
		}
		s.Unknown = err.Error()
		return s
	}
	capacity := now.At.Sub(before.At).Seconds() * float64(len(now.cores))
	if capacity <= 0 {
		s.Unknown = "no time passed"
		return s
	}
	s.Steal = (now.Steal - before.Steal).Seconds() / capacity
	if target.hidden { // the target's own processes would count as unrelated
		return s
	}
	taken, busiest := now.Strangers(before.Census, target.processes(), selfPID())
	s.Strangers = min(1, taken.Seconds()/capacity) // the sum can exceed 1, since processes are read one after the other
	for _, each := range busiest[:min(len(busiest), busiestStrangers)] {
		s.Busiest = append(s.Busiest, Stranger{each.PID, each.Name, each.Used.Seconds() / capacity})
	}
	return s
}
