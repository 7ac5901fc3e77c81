package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary_10.json")
	const summary = `{"metrics":{"http_req_duration":{"values":{"med":1.5,"p(95)":4,"p(99)":9}},
		"fights_acknowledged":{"values":{"count":225,"rate":9}},"dropped_iterations":{"values":{"count":2}}},"setup_data":{"before":3,"profile":"eco"}}`
	if err := os.WriteFile(path, []byte(summary), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readSummary(path, 10)
	want := result{Profile: "eco", Rate: 10, Acknowledged: 225, Dropped: 2, P50: 1.5, P95: 4, P99: 9}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := readSummary(filepath.Join(t.TempDir(), "none.json"), 10); err == nil {
		t.Error("no error for a missing summary")
	}
}

func TestDraw(t *testing.T) {
	folder := t.TempDir()
	results := []result{{Rate: 1, Acknowledged: 22, P50: 1, P95: 2, P99: 3, CPU: 10 * time.Millisecond}, {Rate: 100, Acknowledged: 2200, P50: 1, P95: 2, P99: 3, CPU: time.Second}}
	if err := draw(folder, results); err != nil {
		t.Fatal(err)
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

func TestPerFight(t *testing.T) {
	if got := (result{Acknowledged: 200, CPU: time.Second}).perFight(); got != 5000 {
		t.Errorf("got %v us, want 5000", got)
	}
	if got := (result{CPU: time.Second}).perFight(); got != 0 {
		t.Errorf("without fights got %v, want 0", got)
	}
}
