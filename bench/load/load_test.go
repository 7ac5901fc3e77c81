package load

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"superheroes/test/system"
)

// k6 is a shell script that replaces the k6 program and sends no requests. At rate 1, the script reports no acknowledged
// fights and too few requests for p95 and p99; at any other rate, it reports three fights and enough requests.
const k6 = `#!/bin/sh
fights=3 requests=1000
[ "$RAMPING_RATE" = 1 ] && fights=0 requests=199
cat > "$RESULTS_DIR/summary_$RAMPING_RATE.json" <<END
{"metrics": {"http_req_duration": {"values": {"med": 1.5, "p(95)": 4, "p(99)": 9}},
	"http_reqs": {"values": {"count": $requests}}, "fights_acknowledged": {"values": {"count": $fights}}, "dropped_iterations": {"values": {"count": 2}}},
	"setup_data": {"profile": "eco"}}
END
`

func TestRun(t *testing.T) {
	folder := t.TempDir()
	fake := filepath.Join(folder, "k6")
	if err := os.WriteFile(fake, []byte(k6), 0o700); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(folder, "summary_1.json") // of an earlier run
	if err := os.WriteFile(stale, []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := Command{Program: system.Build(t), K6: fake, Results: folder, Rates: []int{1, 20}}
	err := c.Run(t.Context(), &kong.Kong{Stdout: &out})
	if err == nil || err.Error() != "rate 20: 3 fights were acknowledged but 0 were stored" {
		t.Errorf("got error %v, want an error about lost fights at rate 20", err)
	}
	for i, want := range []string{"eco 1 0 0 2 1.50 - -", "eco 20 3 0 2 1.50 4.00 9.00"} {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if got := strings.Join(strings.Fields(lines[i+1]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for name, lines := range map[string][]string{"load-latency.svg": {"median", "p95", "p99"}, "load-cpu.svg": {"all services"}} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains(string(text), ">"+line+"<") {
				t.Errorf("%s does not contain %q", name, line)
			}
		}
	}
}
