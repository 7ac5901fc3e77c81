package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// TestTallyOfRealRun checks the tally of recorded output from `go test -json` for packages that pass, fail, panic,
// hang, don't compile, don't pass vet, or exit with an error from TestMain.
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
	golden := filepath.Join("testdata", "report.txt")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("the report differs (-want +got):\n%s", diff)
	}
}
