package performance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// The figures of README.md stand between these.
const (
	readmeBegin = "<!-- performance:begin, written by make bench -->"
	readmeEnd   = "<!-- performance:end -->"
)

// readme is what stands between the marks.
func (r *Results) readme() string {
	var rows [][]string
	for _, t := range r.targets() {
		if short, quoted := readmeRows()[t.What]; quoted {
			rows = append(rows, []string{short, orDash(t.Reached), t.Wanted, orDash(string(t.Verdict))})
		}
	}
	kind := ""
	if r.Plan.Name != "full" {
		kind = ", in a " + r.Plan.Name + " run whose figures are rough"
	}
	return fmt.Sprintf(`%s
Measured on %s%s,
on %d cores (%s) with the load generator on the same ones; "floor" is a bare `+"`net/http`"+` handler in the same
series. FerretDB stands in MongoDB's place.

%s
![CPU time of a fight, as a multiple of the floor](docs/performance/cost.svg)

%s`, readmeBegin, r.Date.UTC().Format("2 January 2006"), kind, r.Machine.Cores, orDash(r.Machine.CPU),
		table([]string{"what", "reached", "target", ""}, rows), readmeEnd)
}

// readmeRows are the targets that README.md quotes.
func readmeRows() map[string]string {
	return map[string]string{
		"CPU per fight: `up`, eco, 32 connections":                                "CPU per fight, all in one process",
		"CPU per fight: four processes, eco, 32 connections, the sum of the four": "CPU per fight, four processes, eco",
		"CPU per fight: four processes, strict, with the store":                   "CPU per fight, four processes, strict",
		"CPU per pick: `random_hero`, one service on PostgreSQL, eco":             "CPU per `random_hero`, eco",
		"p99 at 80 % of saturation, `up`, eco":                                    "p99 at 80 % of saturation, one process",
		"resident memory of `up`, after a start and a few fights":                 "memory of all in one process",
		"process start to first fight answered, `up`, new data":                   "start to first fight answered, new data",
	}
}

// writeReadme replaces the figures. A folder without a README has none to replace.
func (r *Results) writeReadme(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	changed, err := between(string(text), r.readme())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644)
}

// between puts a text that begins and ends with the marks in the place of what is between them.
func between(text, with string) (string, error) {
	if strings.Count(text, readmeBegin) != 1 || strings.Count(text, readmeEnd) != 1 {
		return "", errors.New("it must hold the marks of the figures once each")
	}
	before, rest, _ := strings.Cut(text, readmeBegin)
	_, after, found := strings.Cut(rest, readmeEnd)
	if !found {
		return "", errors.New("the marks of the figures are in the wrong order")
	}
	return before + with + after, nil
}
