package main

import (
	_ "embed" // for the template
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed reliability.md.tmpl
var pageText string

// Report is the data for docs/reliability.md.
type Report struct {
	Date    time.Time
	Took    time.Duration
	Command string // repeats the same timetables
	Version string
	Cores   int
	Rows    int
	Length  time.Duration // of a round
	Results []Result
}

// Document returns the page.
func (r Report) Document() (string, error) {
	parsed, err := template.New("page").Parse(pageText)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = parsed.Execute(&text, r)
	return text.String(), err
}

// Day returns the date of the run.
func (r Report) Day() string { return r.Date.UTC().Format("2 January 2006") }

// Minutes returns how long the run took.
func (r Report) Minutes() string { return fmt.Sprintf("%.0f", r.Took.Minutes()) }

// Tables returns both tables.
func (r Report) Tables() string { return r.Fights() + "\n" + r.Costs() }

// Fights returns the table of operations.
func (r Report) Fights() string {
	t := table{head: []string{"scenario", "system", "what is wrong at the same time", "seed", "rounds", "operations", "ok", "refused",
		"indeterminate", "stored", "counted", "lost", "duplicated", "other faults"}, left: 3}
	for _, one := range r.Results {
		row := []any{one.Scenario, one.System, one.Conditions, one.Seed}
		if one.Skipped != "" {
			t.add(append(row, one.Skipped)...)
			continue
		}
		t.add(append(row, one.Rounds, one.Operations(), one.OK, one.Refused, one.Indeterminate, one.Stored, one.Counted,
			one.Lost, one.Duplicated, one.Changed+one.Unasked+one.Other)...)
	}
	return t.String()
}

// Costs returns the table of times and resources.
func (r Report) Costs() string {
	t := table{head: []string{"scenario", "longest answer", "time to recover", "peak memory", "goroutines before, after", "threads before, after", "open files before, after"}, left: 1}
	for _, one := range r.Results {
		if one.Skipped != "" {
			continue
		}
		recovery := "-" // no fault but load to recover from
		if one.Recovery > 0 {
			recovery = seconds(one.Recovery)
		}
		t.add(one.Scenario, seconds(one.Longest), recovery, fmt.Sprintf("%d MiB", one.Peak>>20),
			fmt.Sprintf("%d, %d", one.Before.Goroutines, one.After.Goroutines), fmt.Sprintf("%d, %d", one.Before.Threads, one.After.Threads), fmt.Sprintf("%d, %d", one.Before.Files, one.After.Files))
	}
	return t.String()
}

// Notes returns the additional notes, one per line.
func (r Report) Notes() (notes []string) {
	for _, one := range r.Results {
		for _, note := range one.Notes {
			notes = append(notes, one.Scenario+": "+note)
		}
	}
	return notes
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// table is a table in Markdown.
type table struct {
	head []string
	left int // number of text columns
	rows strings.Builder
}

func (t *table) add(cells ...any) {
	for _, cell := range cells {
		fmt.Fprintf(&t.rows, "| %v ", cell)
	}
	t.rows.WriteString(strings.Repeat("| ", len(t.head)-len(cells)) + "|\n")
}

// String returns the whole table.
func (t *table) String() string {
	rule := strings.Repeat("| --- ", t.left) + strings.Repeat("| ---: ", len(t.head)-t.left) + "|\n"
	return "| " + strings.Join(t.head, " | ") + " |\n" + rule + t.rows.String()
}
