package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// event is a line of `go test -json`.
type event struct {
	Action      string  // start, run, output, pass, fail, skip, build-output, build-fail, …
	Package     string  // import path
	ImportPath  string  // instead of Package in build events; may name a variant in brackets
	Test        string  // empty for events of the whole package
	Output      string  // including the line feed
	Elapsed     float64 // seconds
	FailedBuild string  // ImportPath of the failed build that made the package fail
}

// readEvents calls take for each event, and text for each line that isn't one.
func readEvents(from io.Reader, take func(event), text func(string)) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var next event
			if json.Unmarshal(line, &next) == nil {
				take(next)
			} else {
				text(string(line))
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}
