package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"superheroes/bench/energy"
	"superheroes/bench/measure"
	"superheroes/internal/buildinfo"
)

// runCommand measures running members of the family. A report marked VOID is still written, but the exit code is 1.
type runCommand struct {
	Target          string   `env:"BENCH_TARGET" default:"fights=http://localhost:8004,heroes=http://localhost:8001,villains=http://localhost:8002,locations=http://localhost:8003,name=up" help:"Member to measure: one base URL for all services, or fights=URL,heroes=URL,villains=URL,locations=URL; optionally followed by ,name=TEXT ,pid=N ,store-pid=N ,store=TEXT, such as ,store=FerretDB 1.24 to name a database in the report, and ,count=mongodb://… to count its fights there."`
	Versus          []string `sep:"none" env:"BENCH_VERSUS" placeholder:"TARGET" help:"Member to compare it with; runs alternate: A B A B …. Same syntax as --target. May be repeated."`
	Mix             string   `env:"BENCH_MIX" default:"execute_fight" help:"What an iteration does: ${mixes}; or several with weights, such as execute_fight:1,random_hero:9."`
	measure.Options `embed:""`
	Pid             []int   `env:"BENCH_PID" placeholder:"N" help:"Process ID of the target; by default found by its ports if it runs on this host. May be repeated."`
	StorePid        []int   `env:"BENCH_STORE_PID" placeholder:"N" help:"Process ID of one of the target's databases, whose figures are reported in separate columns. May be repeated."`
	CountURL        string  `name:"count-url" env:"BENCH_COUNT_URL" placeholder:"mongodb://HOST/DATABASE.COLLECTION" help:"MongoDB database in which the target's fights are counted, if the target itself can't count them; the database fights by default, and the collection that members of the family use."`
	Floor           bool    `env:"BENCH_FLOOR" default:"true" negatable:"" help:"Also measure a bare net/http handler, before the first round and after each."`
	Watts           float64 `env:"BENCH_WATTS" default:"2.76" help:"Extra power of a busy core over an idle core, in watts, for the energy model."`
	WattsSource     string  `env:"BENCH_WATTS_SOURCE" default:"${wattsSource}" help:"Source of the --watts value, to be quoted in the report."`
	Verbose         bool    `env:"BENCH_VERBOSE" help:"Write all figures, not only the summary."`
	JSON            bool    `name:"json" env:"BENCH_JSON" help:"Write the report as JSON instead of text."`
	Report          string  `env:"BENCH_REPORT" placeholder:"FILE.html" help:"Also write the report to this file: one HTML page that contains all figures, plots, and the JSON for download."`
}

// Run measures the targets and writes the report.
func (c runCommand) Run(ctx context.Context, k *kong.Kong) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	progress, done := showProgress(k.Stderr)
	options.Progress = progress
	report, err := measure.Members(ctx, options)
	done()
	if err != nil {
		return err
	}
	return errors.Join(c.write(k.Stdout, report), report.Err())
}

// options fills in and validates the options.
func (c runCommand) options() (measure.Options, error) {
	options := c.Options
	options.Model, options.Version = energy.Model{Watts: c.Watts, Source: c.WattsSource}, buildinfo.Version(version)
	var err error
	if options.Mix, err = measure.ParseMix(c.Mix); err != nil {
		return options, measure.Wrong("mix", "%w", err)
	}
	for i, text := range append([]string{c.Target}, c.Versus...) {
		flag := "target"
		if i > 0 {
			flag = "versus"
		}
		target, err := measure.ParseTarget(text)
		if err != nil {
			return options, measure.Wrong(flag, "%w", err)
		}
		options.Targets = append(options.Targets, target)
	}
	options.Targets[0].PIDs = append(options.Targets[0].PIDs, c.Pid...)
	options.Targets[0].StorePIDs = append(options.Targets[0].StorePIDs, c.StorePid...)
	if c.CountURL != "" {
		if options.Targets[0].Count, err = measure.ParseCollection(c.CountURL); err != nil {
			return options, measure.Wrong("count-url", "%w", err)
		}
	}
	switch {
	case c.Rounds != 0:
	case len(c.Versus) > 0:
		options.Rounds = roundsToCompare
	default:
		options.Rounds = 1
	}
	if c.Idle <= 0 {
		return options, measure.Wrong("idle", "must be more than 0s, because idle consumption is always measured")
	}
	if c.Floor {
		self, err := os.Executable()
		if err != nil {
			return options, fmt.Errorf("finding the path of this program, which also runs as the floor server: %w", err)
		}
		options.Floor = []string{self, "floor"}
	}
	return options, cmp.Or(options.Check(), c.checkReport())
}

// checkReport checks the path of the report before the measurement, which may take long.
func (c runCommand) checkReport() error {
	if c.Report == "" {
		return nil
	}
	if extension := filepath.Ext(c.Report); extension != ".html" && extension != ".htm" {
		return measure.Wrong("report", "%s must end in .html: the report is a single page", c.Report)
	}
	if info, err := os.Stat(filepath.Dir(c.Report)); err != nil || !info.IsDir() {
		return measure.Wrong("report", "%s is not a folder; create it first", filepath.Dir(c.Report))
	}
	return nil
}

// roundsToCompare is the minimum number of rounds for a 95 % confidence interval of the median.
const roundsToCompare = 6

// write writes the report to stdout and, if --report names a file, also to that file.
func (c runCommand) write(stdout io.Writer, report *measure.Report) error {
	write := func(w io.Writer) error { return report.Text(w, c.Verbose) }
	if c.JSON {
		write = report.JSON
	}
	if err := write(stdout); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if c.Report == "" {
		return nil
	}
	return report.Save(c.Report)
}

// showProgress returns two functions: one shows a progress bar for a run, and is nil if stderr isn't a terminal; the
// other clears the bar.
func showProgress(stderr io.Writer) (show func(string, time.Duration, time.Duration), done func()) {
	terminal, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	shown := ""
	done = func() {
		if bar != nil {
			_ = bar.Clear() // progress is best effort
		}
	}
	show = func(what string, passed, total time.Duration) {
		if what != shown {
			done()
			shown = what
			bar = progressbar.NewOptions64(int64(total), progressbar.OptionSetWriter(terminal), progressbar.OptionSetDescription(what),
				progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
		}
		_ = bar.Set64(int64(min(passed, total))) // likewise
	}
	return show, done
}
