package performance

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"superheroes/test/engines"
)

// TestFixedRun compares what the four processes do in a fixed run with fixedrun.txt. As in TestAllocations, fewer
// allocations must be recorded as well. The test passes on a busy machine, since it compares no times.
func TestFixedRun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to count calls and context switches")
	}
	for _, server := range []func(testing.TB) string{engines.Postgres, engines.MySQL, engines.MongoDB} {
		server(t) // skips the test if there is none
	}
	const file = "fixedrun.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLab(t.Context(), plan{}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}()
	measured, longest := map[string]counts{}, time.Duration(0)
	for _, profile := range []string{strict, eco} {
		s := &setup{lab: l, ctx: t.Context()}
		of := s.four(profile, "GOGC=off", "DEADLINE=25s", "WRITE_TIMEOUT=30s") // on a busy machine, a fight may take long
		all, iteration, err := of.fixedRun()
		s.stop()
		if errors.Is(err, errUncountable) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, iteration)
		for process, got := range all {
			measured[profile+" "+process] = got
		}
	}
	updated := compareCounts(t, string(text), measured, longest)
	t.Logf("with %s per iteration:\n%s", longest, updated)
	if *update {
		if err := os.WriteFile(file, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compareCounts compares counts with those in the text of fixedrun.txt, and returns the text with the measured counts.
func compareCounts(t *testing.T, text string, measured map[string]counts, iteration time.Duration) string {
	t.Helper()
	var out strings.Builder
	rows := 0
	for line := range strings.Lines(text) {
		var profile, process string
		var want counts
		if _, err := fmt.Sscan(line, &profile, &process, &want.allocs, &want.calls, &want.wakeups); err != nil {
			out.WriteString(line) // a comment
			continue
		}
		rows++
		got, found := measured[profile+" "+process]
		if !*update && !got.near(want, iteration) || !found {
			t.Errorf("%s, %s: %v allocations, calls and wake-ups per iteration, want about %v; if that is intended: go test -C bench ./performance -run FixedRun -update",
				profile, process, got, want)
		}
		fmt.Fprintf(&out, "%-9s %-9s %s\n", profile, process, got)
	}
	if rows != len(measured) {
		t.Errorf("the file has %d rows, but %d were measured", rows, len(measured))
	}
	return out.String()
}

// TestNear covers what a busy machine does to counts, and the differences that fail nevertheless.
func TestNear(t *testing.T) {
	want := counts{400, 26, 11}
	for _, test := range []struct {
		name string
		got  counts
		took time.Duration
		near bool
	}{
		{"equal", want, time.Millisecond, true},
		{"a busy machine", counts{404, 27.4, 14.3}, 10 * time.Millisecond, true},
		{"a very busy machine", counts{430, 30, 18}, 100 * time.Millisecond, true},
		{"a busy machine whose reads find their data", counts{402, 20, 4}, 10 * time.Millisecond, true},
		{"more allocations", counts{410, 26, 11}, time.Millisecond, false},
		{"fewer allocations", counts{391, 26, 11}, 100 * time.Millisecond, false},
		{"one more request to a peer", counts{400, 30, 11}, 10 * time.Millisecond, false},
		{"twice the wake-ups", counts{400, 26, 22}, 10 * time.Millisecond, false},
		{"nothing", counts{}, time.Millisecond, false},
	} {
		if got := test.got.near(want, test.took); got != test.near {
			t.Errorf("%s: near is %v", test.name, got)
		}
	}
}
