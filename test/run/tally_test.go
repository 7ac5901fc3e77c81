package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

// The golden input is the output of `go test -json` for packages that pass, fail, panic, hang, don't compile, don't
// pass vet, and exit with an error from TestMain.
func TestTallyOfRealRun(t *testing.T) {
	events, err := os.Open(filepath.Join("testdata", "events.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = events.Close() }()
	var out bytes.Buffer
	tally := newTally(&out)
	if err := tally.read(events); err != nil {
		t.Fatal(err)
	}
	tally.finish()
	reportSkips(&out, tally.skips)
	out.WriteString(tally.String() + "\n")
	compareWithGolden(t, filepath.Join("testdata", "report.txt"), out.Bytes())
}

func compareWithGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the report differs (-want +got):\n%s", diff)
	}
}

func TestTallyCounts(t *testing.T) {
	tests := []struct {
		name   string
		events string
		want   string
	}{
		{
			name: "a test",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			want: "1 passed, 0 failed, 0 skipped",
		},
		{
			name: "subtests count in place of their parents",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"run","Package":"p","Test":"TestA/x/y"}
{"Action":"run","Package":"p","Test":"TestA/z"}
{"Action":"pass","Package":"p","Test":"TestA/x/y"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"skip","Package":"p","Test":"TestA/z"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			want: "1 passed, 0 failed, 1 skipped",
		},
		{
			name: "a failure below counts once",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			want: "0 passed, 1 failed, 0 skipped",
		},
		{
			name: "a parent's own failure counts",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			want: "1 passed, 1 failed, 0 skipped",
		},
		{
			name: "a slash in a subtest's own name makes no test",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x/y"}
{"Action":"fail","Package":"p","Test":"TestA/x/y"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			want: "0 passed, 1 failed, 0 skipped",
		},
		{
			name:   "a package that fails without a test",
			events: `{"Action":"fail","Package":"p"}`,
			want:   "0 passed, 1 failed, 0 skipped",
		},
		{
			name:   "a package without tests",
			events: `{"Action":"skip","Package":"p"}`,
			want:   "0 passed, 0 failed, 0 skipped",
		},
		{
			name:   "a run that is cut off",
			events: `{"Action":"run","Package":"p","Test":"TestA"}`,
			want:   "0 passed, 1 failed, 0 skipped",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tally := newTally(&bytes.Buffer{})
			if err := tally.read(strings.NewReader(test.events)); err != nil {
				t.Fatal(err)
			}
			tally.finish()
			if got := tally.String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLinesThatAreNoEventsAreShown(t *testing.T) {
	var out bytes.Buffer
	if err := newTally(&out).read(strings.NewReader("go: something went wrong\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "go: something went wrong\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSkipReason(t *testing.T) {
	tests := []struct {
		name   string
		output []string
		want   string
	}{
		{"none", []string{"=== RUN   TestA\n", "--- SKIP: TestA (0.00s)\n"}, "no reason given"},
		{"one line", []string{"    a_test.go:12: needs a thing\n", "--- SKIP: TestA (0.00s)\n"}, "needs a thing"},
		{"two lines", []string{"    a_test.go:12: needs: a thing\n", "        and more\n"}, "needs: a thing and more"},
		{"the last message", []string{"    a_test.go:1: a log\n", "    a_test.go:2: the reason\n"}, "the reason"},
		{"a place inside the message", []string{"    a_test.go:1: see b.go:2: there\n"}, "see b.go:2: there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := skipReason(test.output); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
