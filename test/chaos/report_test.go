package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/history"
)

var update = flag.Bool("update", false, "rewrite testdata/reliability.md")

func TestDocument(t *testing.T) {
	report := Report{
		Date: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Took: 16 * time.Minute,
		Command: (&command{Seed: 7, Duration: time.Minute, Rows: 10}).line(),
		Version: "0123456789ab", Cores: 2, Rows: 10, Length: roundLength,
		Results: []Result{
			{Scenario: "killed", System: "up, SQLite", Conditions: "kill -9 × overload", Seed: 7, Rounds: 3, Longest: 1234 * time.Millisecond,
				Recovery: 300 * time.Millisecond, Peak: 40 << 20, Before: Usage{30, 10, 50, 0},
				After: Usage{31, 11, 51, 0}, Counted: 5, Other: 1, Notes: []string{"nothing differed"},
				Verdict: history.Verdict{OK: 4, Refused: 2, Indeterminate: 1, Stored: 5, Lost: 1}},
			{Scenario: "full", System: "up, SQLite", Conditions: "full disk × kill -9", Seed: 7, Skipped: "skipped: no small disk available here"},
		},
	}
	got, err := report.render("page")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "reliability.md")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s\nto accept it: go test ./test/chaos -run Document -update", diff)
	}
}
