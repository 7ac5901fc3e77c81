package performance

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"time"

	"superheroes/bench/page"
	"superheroes/bench/stat"
)

// Results holds all measured data. The documents are generated from these results alone, so the documents can be
// regenerated at any time.
type Results struct {
	Date        time.Time         `json:"date"`
	Took        float64           `json:"took_seconds"`
	Plan        plan              `json:"plan"`
	Version     string            `json:"version"` // of the source tree
	Machine     Machine           `json:"machine"`
	Stores      []string          `json:"stores"` // servers, with their versions
	Meter       string            `json:"meter"`  // RAPL counters, or why RAPL isn't available
	Series      []Series          `json:"series"`
	Idle        []Idle            `json:"idle"`
	Scraped     []Idle            `json:"scraped,omitempty"` // with a scrape every 15 seconds, and without telemetry
	Starts      []Start           `json:"starts"`
	Allocations *int64            `json:"allocations"` // allocations per fight in our own code
	Requests    []RequestCost     `json:"requests,omitempty"`
	Missing     map[string]string `json:"missing"` // why experiments could not be measured, by name
}

// Machine describes the machine on which the results were measured.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memory_gib"`
	Kernel string  `json:"kernel"`
	Go     string  `json:"go"`
	Load   float64 `json:"load"` // load average over the minute before the measurement
}

// Series is one comparison: its targets were measured in turn, round by round, and the floor server was measured in
// every round and once more at the end.
type Series struct {
	Name  string `json:"name"`
	Cells []Cell `json:"cells"`
}

// Cell holds the results of one target under one load.
type Cell struct {
	Name        string            `json:"name"`
	Floor       string            `json:"floor,omitempty"` // name of the cell to compare with: the floor server's, or that without telemetry
	Mix         string            `json:"mix"`
	Connections int               `json:"connections"`
	Rate        float64           `json:"rate,omitempty"` // iterations per second; 0 means the closed model
	Size        int               `json:"size,omitempty"` // existing rows or fights
	Nothing     bool              `json:"stores_nothing,omitempty"`
	Runs        int               `json:"runs"`
	Valid       int               `json:"valid"`
	Enough      bool              `json:"enough"`            // whether enough runs were valid for the cell to be used
	Void        []string          `json:"void,omitempty"`    // reasons why runs were void
	Late        []string          `json:"late,omitempty"`    // reasons why latencies of valid runs don't count
	Dropped     int64             `json:"dropped,omitempty"` // iterations that were dropped, in all runs
	Figures     map[string]Figure `json:"figures"`
	Parts       []string          `json:"parts,omitempty"` // names; a part's CPU time is the figure partCPU + name
}

// Figure holds one value per valid run.
type Figure []float64

// Median returns the median, or NaN if there are no values.
func (f Figure) Median() float64 { return stat.Median(f) }

// Least returns the smallest value.
func (f Figure) Least() float64 { return slices.Min(f) }

// Most returns the largest value.
func (f Figure) Most() float64 { return slices.Max(f) }

// Names of figures. CPU times are in microseconds per iteration.
const (
	throughput  = "throughput" // iterations per second
	p50         = "p50"        // microseconds, like p99
	p95         = "p95"
	p99         = "p99"
	cpu         = "cpu"           // of the application
	storeCPU    = "store_cpu"     // of the database servers
	generator   = "generator_cpu" // of the load generator
	idleCPU     = "idle"          // CPU seconds used per second by the idle application
	idleStore   = "idle_store"    // CPU seconds used per second by the idle database servers
	httpBytes   = "http_bytes"    // HTTP bytes in both directions; per iteration, like all figures up to wirePackets
	storage     = "storage_bytes" // written to storage by application and database servers
	switches    = "switches"      // context switches of the application
	wakeups     = "wakeups"       // voluntary context switches of the application
	calls       = "calls"         // read and write calls made by the application
	systemCalls = "system_calls"  // all system calls made by the application, counted in a separate run
	wireBytes   = "wire_bytes"    // bytes on the loopback device, from all processes
	wirePackets = "wire_packets"
	idleWatts   = "idle_watts" // idle power of the whole machine, as measured by RAPL
	joules      = "joules"     // machine's energy minus idle energy, as measured by RAPL, in microjoules per iteration
	memory      = "memory"     // peak resident MiB of the application
	pss         = "pss"        // mean proportional MiB of the application
	pssPeak     = "pss_peak"   // largest proportional MiB of the application
	storePSS    = "store_pss"  // mean proportional MiB of the database servers
	strangers   = "strangers"  // percentage of the cores used by unrelated processes
	steal       = "steal"      // percentage of the cores that the hypervisor gave to other guests
	partCPU     = "cpu of "
)

// Idle is the resource usage of a process that receives no requests.
type Idle struct {
	Name    string  `json:"name"`
	CPU     float64 `json:"cpu"` // CPU seconds per second
	RSS     float64 `json:"rss_mib"`
	PSS     float64 `json:"pss_mib"`
	Store   bool    `json:"store,omitempty"`
	Scrape  float64 `json:"scrape_ms,omitempty"` // CPU milliseconds of a scrape; 0 if the process has no metrics
	Seconds float64 `json:"seconds"`             // how long the process was watched
}

// RequestCost is what a part of telemetry adds to a request, as a benchmark measures it.
type RequestCost struct {
	Name   string  `json:"name"`
	Ns     float64 `json:"ns"`
	Allocs int64   `json:"allocations"`
}

// Start holds the times from process start to the first fight response.
type Start struct {
	Name string `json:"name"`
	Ms   Figure `json:"ms"`
}

// series returns the series with the given name, or nil.
func (r *Results) series(name string) *Series {
	for i := range r.Series {
		if r.Series[i].Name == name {
			return &r.Series[i]
		}
	}
	return nil
}

// cell returns the cell with the given name in a series, or nil.
func (r *Results) cell(series, name string) *Cell { return r.series(series).cell(name) }

// cell returns the cell of the series with the given name, or nil.
func (s *Series) cell(name string) *Cell {
	if s == nil {
		return nil
	}
	for i := range s.Cells {
		if s.Cells[i].Name == name {
			return &s.Cells[i]
		}
	}
	return nil
}

// check returns an error that says why the cell has no figures, or nil if it has figures.
func (c *Cell) check() error {
	switch {
	case c == nil:
		return errNotMeasured
	case !c.Enough:
		return errVoid
	}
	return nil
}

// checkLatency is like check, for latencies, which a late load generator makes void.
func (c *Cell) checkLatency() error {
	if err := c.check(); err != nil || len(c.Late) == 0 || c.has(p50) {
		return err
	}
	return errVoid
}

// has reports whether the cell has the given figure and enough valid runs.
func (c *Cell) has(figure string) bool { return c.check() == nil && len(c.Figures[figure]) > 0 }

// median returns the median of a figure, or 0 if the cell has no such figure.
func (c *Cell) median(figure string) float64 {
	if !c.has(figure) {
		return 0
	}
	return c.Figures[figure].Median()
}

// together is a share: it returns the sum of a figure of the services and the corresponding figure of their stores, for each run. If
// the stores' figure is unknown, there is no sum.
func (c *Cell) together(services, stores string) Figure {
	if c.check() != nil {
		return nil
	}
	own, others := c.Figures[services], c.Figures[stores]
	if slices.Contains(c.Parts, upPart) || slices.Contains(c.Parts, floorPart) {
		return own // the stores are in the same process, or there are none
	}
	if len(own) != len(others) {
		return nil
	}
	var sums Figure
	for i := range own {
		sums = append(sums, own[i]+others[i])
	}
	return sums
}

// ratio returns the cell's figure as a multiple of a floor server's CPU time. The error says why there is no ratio.
func (s *Series) ratio(c *Cell, floorName, figure string) (float64, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	floor := s.cell(floorName)
	if floor.check() != nil {
		return 0, errVoid
	}
	if !c.has(figure) || !floor.has(cpu) {
		return 0, errNotMeasured
	}
	return c.median(figure) / floor.median(cpu), nil
}

func load(path string) (*Results, error) {
	r := &Results{}
	return r, page.Load(path, r)
}

func (r *Results) save(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	// Put the figures of each cell, and each list of numbers, on a single line.
	short := regexp.MustCompile(`"figures": \{[^}]*\}|\[[-+0-9.e,\s]+\]`)
	lineBreak := regexp.MustCompile(`\n\s*`)
	text = short.ReplaceAllFunc(text, func(part []byte) []byte { return lineBreak.ReplaceAll(part, nil) })
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
