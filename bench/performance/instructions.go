package performance

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"superheroes/bench/measure"
	"superheroes/test/program"
)

// Names of the experiment and its figures. Counts of instructions vary by at most 1 %, even on a busy machine.
const (
	instructions = "instructions"
	perFight     = "instructions_per_fight"
	atStart      = "instructions_of_start" // of a start and a stop, without fights
	atVersion    = "instructions_of_version"
)

// The instructions per fight come from the difference between two runs with these numbers of fights, which excludes the
// extra work of the first fights.
const fewFights, manyFights = 200, 2200

// countable returns settings that make the counts of instructions repeatable.
func countable() []string { return []string{"GOGC=off", oneCore, "GODEBUG=asyncpreemptoff=1"} }

// instructions counts the program's user-mode instructions with valgrind.
func (s *setup) instructions() error {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		return errors.New("valgrind isn't installed")
	}
	// Callgrind would count the same instructions, but doesn't survive the signal that stops the program.
	counter := []string{valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"}
	untraced := traced(withNoTraces, "OTEL_TRACES_SAMPLER=always_off")
	variants := s.plan.against(off(), variant{name: withMetrics}, untraced, allTraced())
	cells := make([]Cell, len(variants))
	for i, v := range variants {
		cells[i] = Cell{Name: v.name, Floor: baseOf(v.name, ""), Mix: executeFight, Connections: 1, Enough: true}
	}
	for range s.plan.Price.Counts {
		for i, v := range variants {
			if err := s.count(&cells[i], v, counter); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	s.r.Series = append(s.r.Series, Series{Name: instructions, Cells: cells})
	return nil
}

// count measures one round, and adds the counts to a cell.
func (s *setup) count(c *Cell, v variant, counter []string) error {
	counts := map[int]float64{}
	for _, fights := range []int{fewFights, 0, manyFights} {
		folder := filepath.Join(s.dir, "counted")
		if fights > 0 { // the start without fights opens the data of the previous run
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
		}
		count, err := s.countUp(v, folder, counter, fights)
		if err != nil {
			return err
		}
		counts[fights] = count
	}
	version, err := s.countVersion(v, counter)
	if err != nil {
		return err
	}
	c.Runs, c.Valid = c.Runs+1, c.Valid+1
	c.add(perFight, (counts[manyFights]-counts[fewFights])/(manyFights-fewFights))
	c.add(atStart, counts[0])
	c.add(atVersion, version)
	s.say("%s: %s, run %d: %.0f per fight, %.0f per start, %.0f for printing the version",
		instructions, v.name, c.Runs, c.Figures[perFight][c.Runs-1], counts[0], version)
	return nil
}

// countUp runs all services in one process, executes the given number of fights, and counts the instructions from start
// to exit. Statistics are off, because how often they are updated depends on the time, not on the number of fights.
func (s *setup) countUp(v variant, folder string, counter []string, fights int) (float64, error) {
	var p *program.Process
	of := s.with(v, func(env ...string) *system {
		return s.add(func(of *system) error {
			settings, err := of.upSettings(eco, folder)
			if err != nil {
				return err
			}
			env = append(append(settings, "STATISTICS=false"), append(env, countable()...)...)
			if p, err = of.launch(upPart, env, append(counter, s.program, "up")...); err != nil {
				return err
			}
			return of.ready(p, measure.Fights)
		})
	})
	defer of.stop()
	if s.err != nil {
		return 0, s.err
	}
	for range fights {
		if err := s.fightOnce(of.urls[measure.Fights] + fightPath); err != nil {
			return 0, err
		}
	}
	of.stop()
	return collected(p.Stderr.String())
}

// fightOnce requests a fight on a persistent connection.
func (s *setup) fightOnce(url string) error {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// countVersion counts the instructions of a command that only prints the version.
func (s *setup) countVersion(v variant, counter []string) (float64, error) {
	command := exec.CommandContext(s.ctx, counter[0], append(counter[1:], cmp.Or(v.program, s.program), "version")...)
	command.Env = append(program.Environment(), countable()...)
	output, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, output)
	}
	return collected(string(output))
}

// collected extracts the number of instructions from cachegrind's output.
func collected(output string) (float64, error) {
	found := regexp.MustCompile(`I +refs: +([\d,]+)`).FindStringSubmatch(output)
	if found == nil {
		return 0, fmt.Errorf("valgrind reported no instruction count: %.1000s", output)
	}
	return strconv.ParseFloat(strings.ReplaceAll(found[1], ",", ""), 64)
}
