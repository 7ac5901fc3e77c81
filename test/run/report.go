package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"superheroes/test/engines/find"
)

// reportSkips prints the skipped tests, grouped by reason.
func reportSkips(out io.Writer, skips []skip) {
	groups := map[string][]skip{}
	for _, skip := range skips {
		groups[skip.reason] = append(groups[skip.reason], skip)
	}
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		group := groups[reason]
		slices.SortStableFunc(group, func(a, b skip) int { return strings.Compare(a.pkg, b.pkg) })
		fmt.Fprintf(out, "SKIPPED %s: %s\n", count(len(group), "test"), reason)
		for _, skip := range group {
			fmt.Fprintf(out, "    %s %s\n", skip.pkg, skip.test)
		}
	}
}

// reportMissing prints which engines are missing and why, and returns the number of missing engines.
func reportMissing(out io.Writer, found []*find.Engine) int {
	missing := 0
	for _, engine := range found {
		if engine.Missing == nil {
			continue
		}
		missing++
		fmt.Fprintf(out, "SKIPPED %s: not available\n", engine.Name)
		for reason := range strings.Lines(engine.Missing.Error()) {
			fmt.Fprintf(out, "    %s\n", strings.TrimSuffix(reason, "\n"))
		}
		fmt.Fprintf(out, "    to get it: %s\n", engine.Remedy)
	}
	fmt.Fprintf(out, "Engines: %d found, %d missing\n", len(found)-missing, missing)
	return missing
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
