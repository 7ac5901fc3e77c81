package main

import (
	_ "embed" // for the report's template
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed reliability.md.tmpl
var pageText string

// Report contains the data for docs/reliability.md.
type Report struct {
	Date    time.Time
	Took    time.Duration
	Command string // a command that repeats the same timetables
	Version string
	Cores   int
	Rows    int
	Length  time.Duration // duration of a round
	Results []Result
}

// render executes a template: "page", or "fights" or "costs" for a single table.
func (r Report) render(name string) (string, error) {
	parsed, err := template.New("page").Parse(pageText)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = parsed.ExecuteTemplate(&text, name, r)
	return text.String(), err
}

// Day returns the date of the run.
func (r Report) Day() string { return r.Date.UTC().Format("2 January 2006") }

// Minutes returns the duration of the run in minutes.
func (r Report) Minutes() string { return fmt.Sprintf("%.0f", r.Took.Minutes()) }

// OtherFaults returns the number of faults that have no column of their own in the table.
func (r Result) OtherFaults() int { return r.Changed + r.Unasked + r.Other }

// PeakMiB returns the peak memory in MiB.
func (r Result) PeakMiB() int64 { return r.Peak >> 20 }
