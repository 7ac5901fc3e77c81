package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"superheroes/test/engines/find"
)

// reportSkips prints the skipped tests, grouped by reason.
func reportSkips(out io.Writer, skips []skip) {
	sorted := slices.SortedStableFunc(slices.Values(skips), func(a, b skip) int {
		return cmp.Or(strings.Compare(a.reason, b.reason), strings.Compare(a.pkg, b.pkg))
	})
	for group := range chunks(sorted) {
		fmt.Fprintf(out, "SKIPPED %s: %s\n", count(len(group), "test"), group[0].reason)
		for _, skip := range group {
			fmt.Fprintf(out, "    %s %s\n", skip.pkg, skip.test)
		}
	}
}

// chunks yields consecutive skips with the same reason.
func chunks(skips []skip) func(yield func([]skip) bool) {
	return func(yield func([]skip) bool) {
		for len(skips) > 0 {
			end := slices.IndexFunc(skips, func(s skip) bool { return s.reason != skips[0].reason })
			if end < 0 {
				end = len(skips)
			}
			if !yield(skips[:end]) {
				return
			}
			skips = skips[end:]
		}
	}
}

// reportMissing prints the missing engines and returns their number.
func reportMissing(out io.Writer, found []*find.Engine) int {
	missing := 0
	for _, engine := range found {
		if engine.Missing == nil {
			continue
		}
		missing++
		fmt.Fprintf(out, "SKIPPED %s: it can't be had\n", engine.Name)
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
