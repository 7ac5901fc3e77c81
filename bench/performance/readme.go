package performance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// The figures in README.md are between these marks.
const (
	readmeBegin = "<!-- performance:begin, written by make bench -->"
	readmeEnd   = "<!-- performance:end -->"
)

// readme returns the generated section of README.md, including the marks around it.
func (r *Results) readme() (string, error) {
	usage, err := r.render("readme scenario")
	if err != nil {
		return "", err
	}
	text, err := r.render("readme")
	return readmeBegin + "\n" + usage + text + readmeEnd, err
}

// quoted returns the targets that README.md quotes, with their short names.
func (r *Results) quoted() []Target {
	var quoted []Target
	for _, t := range r.targets() {
		if short, found := readmeRows()[t.What]; found {
			t.What = short
			quoted = append(quoted, t)
		}
	}
	return quoted
}

// readmeRows maps the targets that README.md quotes to their short names.
func readmeRows() map[string]string {
	return map[string]string{
		"CPU per fight: `up`, eco, 32 connections":                                "CPU per fight, all in one process",
		"CPU per fight: four processes, eco, 32 connections, the sum of the four": "CPU per fight, four processes, eco",
		"CPU per fight: four processes, strict, with the store":                   "CPU per fight, four processes, strict",
		"CPU per pick: `random_hero`, one service on PostgreSQL, eco":             "CPU per `random_hero`, eco",
		"p99 at 80 % of saturation, `up`, eco":                                    "p99 at 80 % of saturation, one process",
		"resident memory of `up`, after startup and a few fights":                 "total memory with all services in one process",
		"time from process start to the first fight's response, `up`, new data":   "process start to first response, new data",
	}
}

// writeReadme updates the figures in README.md. It does nothing if there is no README.md.
func (r *Results) writeReadme(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	figures, err := r.readme()
	if err != nil {
		return err
	}
	changed, err := between(string(text), figures)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644)
}

// between replaces the part of a document between the two marks, including the marks.
func between(text, with string) (string, error) {
	if strings.Count(text, readmeBegin) != 1 || strings.Count(text, readmeEnd) != 1 {
		return "", errors.New("the marks around the figures must each occur exactly once")
	}
	before, rest, _ := strings.Cut(text, readmeBegin)
	_, after, found := strings.Cut(rest, readmeEnd)
	if !found {
		return "", errors.New("the marks around the figures are in the wrong order")
	}
	return before + with + after, nil
}
