package performance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"superheroes/bench/stat"
)

// Results are what was measured. The documents are made of nothing else, so that they can be made again.
type Results struct {
	Date        time.Time         `json:"date"`
	Took        float64           `json:"took_seconds"`
	Plan        plan              `json:"plan"`
	Version     string            `json:"version"` // of the source
	Machine     Machine           `json:"machine"`
	Stores      []string          `json:"stores"` // servers, with their versions
	Meter       string            `json:"meter"`  // of energy, or why there is none
	Series      []Series          `json:"series"`
	Idle        []Idle            `json:"idle"`
	Starts      []Start           `json:"starts"`
	Allocations *int64            `json:"allocations"` // of our own code for a fight
	Missing     map[string]string `json:"missing"`     // what could not be measured, and why, by experiment
}

// Machine is where it was measured.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memory_gib"`
	Kernel string  `json:"kernel"`
	Go     string  `json:"go"`
	Load   float64 `json:"load"` // of the minute before
}

// Series is one comparison: its targets were measured in turn, round by round, with the floor before and after.
type Series struct {
	Name  string `json:"name"`
	Cells []Cell `json:"cells"`
}

// Cell is one target under one load.
type Cell struct {
	Name        string            `json:"name"`
	Floor       string            `json:"floor,omitempty"` // the cell that it is compared with
	Mix         string            `json:"mix"`
	Connections int               `json:"connections"`
	Rate        float64           `json:"rate,omitempty"` // iterations a second; 0: the closed model
	Size        int               `json:"size,omitempty"` // rows or fights that were there
	Nothing     bool              `json:"stores_nothing,omitempty"`
	Runs        int               `json:"runs"`
	Valid       int               `json:"valid"`
	Enough      bool              `json:"enough"`         // runs were valid; else it has no figures
	Void        []string          `json:"void,omitempty"` // reasons of the others
	Figures     map[string]Figure `json:"figures"`
	Parts       []string          `json:"parts,omitempty"` // whose CPU time is the figure partCPU + name
}

// Figure has one value for each valid run.
type Figure []float64

// Median returns the middle value, NaN of none.
func (f Figure) Median() float64 { return stat.Median(f) }

// Least returns the smallest value.
func (f Figure) Least() float64 { return slices.Min(f) }

// Most returns the largest value.
func (f Figure) Most() float64 { return slices.Max(f) }

// Names of figures. Those of CPU time are microseconds for each iteration.
const (
	throughput  = "throughput" // iterations a second
	p50         = "p50"        // microseconds, and so is the next
	p99         = "p99"
	cpu         = "cpu"           // of the application
	storeCPU    = "store_cpu"     // of the database servers
	generator   = "generator_cpu" // of the load generator
	idleCPU     = "idle"          // CPU seconds a second of the application without load
	idleStore   = "idle_store"    // of the database servers
	httpBytes   = "http_bytes"    // both ways, for each iteration, and so are those below
	storage     = "storage_bytes" // sent to storage, by application and database servers
	switches    = "switches"      // context switches of the application
	calls       = "calls"         // read and write calls of the application
	wireBytes   = "wire_bytes"    // on the loopback device, of everybody
	wirePackets = "wire_packets"
	idleWatts   = "idle_watts" // of the whole machine by RAPL, without load
	joules      = "joules"     // microjoules of the whole machine by RAPL, less its idle watts
	memory      = "memory"     // resident MiB of the application, at most
	strangers   = "strangers"  // percent of the cores that other processes took, and so is the next
	steal       = "steal"      // that the hypervisor gave to others
	partCPU     = "cpu of "
)

// Idle is a process that nobody asks anything.
type Idle struct {
	Name    string  `json:"name"`
	CPU     float64 `json:"cpu"` // CPU seconds a second
	RSS     float64 `json:"rss_mib"`
	PSS     float64 `json:"pss_mib"`
	Store   bool    `json:"store,omitempty"`
	Seconds float64 `json:"seconds"` // watched
}

// Start is how long it takes from the start of a process to the answer of the first fight.
type Start struct {
	Name string `json:"name"`
	Ms   Figure `json:"ms"`
}

// series returns one by its name.
func (r *Results) series(name string) *Series {
	for i := range r.Series {
		if r.Series[i].Name == name {
			return &r.Series[i]
		}
	}
	return nil
}

// cell returns one by the names of series and cell.
func (r *Results) cell(series, name string) *Cell {
	s := r.series(series)
	if s == nil {
		return nil
	}
	return s.cell(name)
}

func (s *Series) cell(name string) *Cell {
	for i := range s.Cells {
		if s.Cells[i].Name == name {
			return &s.Cells[i]
		}
	}
	return nil
}

// has tells whether the cell may be quoted for that figure.
func (c *Cell) has(figure string) bool { return c != nil && c.Enough && len(c.Figures[figure]) > 0 }

// median returns a figure's, and 0 where there is none.
func (c *Cell) median(figure string) float64 {
	if !c.has(figure) {
		return 0
	}
	return c.Figures[figure].Median()
}

// ratio returns how many times the floor's application CPU the cell's figure is. The error says why there is none.
func (s *Series) ratio(c *Cell, figure string) (float64, error) {
	if c == nil {
		return 0, errNotMeasured
	}
	floor := s.cell(c.Floor)
	for _, each := range []*Cell{c, floor} {
		if each == nil || !each.Enough {
			return 0, errVoid
		}
	}
	if !c.has(figure) || !floor.has(cpu) {
		return 0, errNotMeasured
	}
	return c.median(figure) / floor.median(cpu), nil
}

func load(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Results{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return r, nil
}

func (r *Results) save(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	numbers := regexp.MustCompile(`\[[-+0-9.e,\s]+\]`) // each list of them on one line
	text = numbers.ReplaceAllFunc(text, func(list []byte) []byte { return bytes.Join(bytes.Fields(list), nil) })
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
