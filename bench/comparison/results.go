package comparison

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"superheroes/bench/format"
	"superheroes/bench/measure"
	"superheroes/bench/page"
	"superheroes/bench/performance"
	"superheroes/conformance/suite"
)

// Results holds all measured data. The page is generated from it alone.
type Results struct {
	Date        time.Time           `json:"date"`
	Took        float64             `json:"took_seconds"`
	Version     string              `json:"version"` // of the bench
	Machine     performance.Machine `json:"machine"`
	Plan        Plan                `json:"plan"`
	Interrupted bool                `json:"interrupted,omitempty"`
	Reference   string              `json:"reference"`
	Stores      []Store             `json:"stores"`
	Members     []Member            `json:"members"`
}

// Member holds the results of a member.
type Member struct {
	About
	Score    suite.Score      `json:"score"`
	Failures []string         `json:"failures,omitempty"` // why runs are missing
	Runs     map[string][]Run `json:"runs"`               // by the name of the load
}

// Run is one run of a member under one load.
type Run struct {
	Round     int      `json:"round"`
	Faults    []string `json:"faults,omitempty"`    // of the member; its figures are shown but not compared
	Disturbed []string `json:"disturbed,omitempty"` // why the figures are not used
	Repeated  int      `json:"repeated,omitempty"`  // how often the run was repeated because it was disturbed
	Unchecked string   `json:"unchecked,omitempty"` // why stored fights could not be counted

	Done         int64 `json:"done"` // iterations, including the warm-up, like the other counts
	Dropped      int64 `json:"dropped,omitempty"`
	Wrong        int64 `json:"wrong,omitempty"`
	Unanswered   int64 `json:"unanswered,omitempty"`
	Acknowledged int64 `json:"acknowledged"`
	Stored       int64 `json:"stored"` // 0 if unchecked

	Figures map[string]float64 `json:"figures"`
}

// Names of figures. Times are per family iteration.
const (
	throughput      = "iterations_per_second"
	p50             = "p50_ms"
	p95             = "p95_ms"
	p99             = "p99_ms"
	services        = "services_cpu_us"
	stores          = "stores_cpu_us"
	together        = "services_and_stores_cpu_us"
	genuineTogether = "services_and_genuine_stores_cpu_us" // without stores that stand in for others
	servicesPSS     = "services_pss_mib"
	idlePSS         = "idle_services_pss_mib" // of the services that were just started
	idleServices    = "idle_services_cpu_percent"
	idleStores      = "idle_stores_cpu_percent"
	storePrefix     = "cpu_us_of_"
)

// samplesFor returns how many samples a percentile needs: ten must lie above it.
func samplesFor(percent int) int64 { return int64(10 * 100 / (100 - percent)) }

// figures extracts what the results keep of a run.
func (p *process) figures(run measure.Run) Run {
	c := run.Counts
	r := Run{
		Faults: run.Void[len(run.Disturbed):], Disturbed: run.Disturbed, Done: c.Done, Dropped: c.Dropped + c.WarmDropped,
		Wrong: c.Wrong, Unanswered: c.Unanswered + c.Refused, Figures: map[string]float64{throughput: page.Digits(run.Throughput)},
	}
	if run.Surroundings.Unknown != "" {
		r.Disturbed = append(slices.Clone(r.Disturbed), "the CPU time of unrelated processes is unknown: "+run.Surroundings.Unknown)
	}
	if s := run.Stored; s != nil {
		r.Acknowledged, r.Stored = s.Acknowledged, s.Stored
		if !s.Checked {
			r.Unchecked = s.Why
		}
	}
	p.addLatency(&r, run)
	p.addUse(&r, run)
	return r
}

// addLatency adds the percentiles for which there are enough iterations.
func (p *process) addLatency(r *Run, run measure.Run) {
	for _, each := range []struct {
		name    string
		percent int
	}{{p50, 50}, {p95, 95}, {p99, 99}} {
		for _, q := range run.Latency.Percentiles {
			if q.Percent == float64(each.percent) && run.Counts.Measured >= samplesFor(each.percent) {
				r.Figures[each.name] = page.Digits(q.Micros / 1e3)
			}
		}
	}
}

// addUse adds the resources that services and stores used.
func (p *process) addUse(r *Run, run measure.Run) {
	own, theirs := known(run.Application), known(run.Store)
	if own == nil {
		return
	}
	r.Figures[servicesPSS] = page.Digits(mib(own.PSSAfter))
	if run.Throughput == 0 {
		return // there is no iteration to which the CPU time could belong
	}
	r.Figures[services] = page.Digits(own.CPU)
	if len(p.stores) == 0 {
		theirs = &measure.Use{}
	}
	if theirs == nil {
		return
	}
	r.Figures[together] = page.Digits(own.CPU + theirs.CPU)
	genuine := own.CPU
	byStore := map[string]float64{}
	for _, tree := range theirs.Trees {
		store := p.stores[tree.PID]
		byStore[store.Name] += tree.CPU
		if store.For == "" {
			genuine += tree.CPU
		}
	}
	r.Figures[genuineTogether] = page.Digits(genuine)
	for name, used := range byStore {
		r.Figures[storePrefix+name] = page.Digits(used)
	}
	if len(p.stores) > 0 {
		r.Figures[stores] = page.Digits(theirs.CPU)
	}
}

// addIdle adds the resources used during the idle time before the run.
func (p *process) addIdle(r *Run, run measure.Run) {
	if own := known(run.Application); own != nil {
		r.Figures[idleServices], r.Figures[idlePSS] = page.Digits(100*own.IdleBefore), page.Digits(mib(own.PSSBefore))
	}
	if theirs := known(run.Store); theirs != nil {
		r.Figures[idleStores] = page.Digits(100 * theirs.IdleBefore)
	}
}

// known returns the use, or nil if it could not be measured.
func known(u *measure.Use) *measure.Use {
	if u == nil || u.Error != "" {
		return nil
	}
	return u
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// String summarizes the run for the progress output.
func (r Run) String() string {
	text := fmt.Sprintf("%s/s, %s us of the services, %s us with the stores", format.Number(r.Figures[throughput]), format.Number(r.Figures[services]), format.Number(r.Figures[together]))
	return strings.Join(slices.Concat([]string{text}, r.Faults, r.Disturbed), "; ")
}

func loadResults(path string) (*Results, error) {
	r := &Results{}
	return r, page.Load(path, r)
}

// save writes the results to their file in the page's folder.
func (r *Results) save(folder string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(folder, "comparison"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(resultsIn(folder), append(text, '\n'), 0o644)
}

// resultsIn returns the path of the results in the page's folder.
func resultsIn(folder string) string { return filepath.Join(folder, "comparison", "results.json") }
