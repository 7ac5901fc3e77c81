package energy

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// counter creates a RAPL zone in a fake powercap folder and returns a function that sets the zone's counter.
func counter(t *testing.T, folder, zone, name string, wrap uint64) func(microjoules uint64) {
	t.Helper()
	at := filepath.Join(folder, zone)
	write := func(file, text string) {
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, file), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("name", name)
	write("max_energy_range_uj", strconv.FormatUint(wrap, 10))
	set := func(microjoules uint64) { write("energy_uj", strconv.FormatUint(microjoules, 10)) }
	set(0)
	return set
}

func joules(t *testing.T, m *Meter, want float64) {
	t.Helper()
	if got, err := m.Joules(); err != nil || math.Abs(got-want) > 1e-9 {
		t.Errorf("got %v J, %v; want %v", got, err, want)
	}
}

func TestMeter(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "intel-rapl"), 0o755); err != nil { // the control type
		t.Fatal(err)
	}
	first := counter(t, folder, "intel-rapl:0", "package-0", 1_000_000_000)
	second := counter(t, folder, "intel-rapl:1", "package-1", 1_000_000_000)
	memory := counter(t, folder, "intel-rapl:0:2", "dram", 50_000_000)
	core := counter(t, folder, "intel-rapl:0:0", "core", 1_000_000_000)
	board := counter(t, folder, "intel-rapl:2", "psys", 1_000_000_000)
	again := counter(t, folder, "intel-rapl-mmio:0", "package-0", 1_000_000_000)
	first(990_000_000)
	m, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"dram", "package-0", "package-1"}; !slices.Equal(m.Zones(), want) {
		t.Errorf("got zones %q, want %q", m.Zones(), want)
	}
	joules(t, m, 0)
	first(995_000_000)
	second(2_000_000)
	memory(1_500_000)
	core(77_000_000)
	board(88_000_000)
	again(99_000_000)
	joules(t, m, 8.5)
	first(3_000_000) // 5 J before the counter wrapped around, and 3 J after
	joules(t, m, 16.5)
	joules(t, m, 16.5)
}

func TestNoMeter(t *testing.T) {
	empty, broken := t.TempDir(), t.TempDir()
	counter(t, broken, "intel-rapl:0", "package-0", 1)
	if err := os.WriteFile(filepath.Join(broken, "intel-rapl:0", "energy_uj"), []byte("much\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	locked := t.TempDir()
	counter(t, locked, "intel-rapl:0", "package-0", 1)
	if err := os.Remove(filepath.Join(locked, "intel-rapl:0", "energy_uj")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, folder, says string }{
		{"a missing folder", filepath.Join(empty, "none"), "does not exist"},
		{"a folder without counters", empty, "no package counter"},
		{"a non-numeric counter", broken, "much"},
		{"an unreadable counter", locked, "energy_uj"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Open(c.folder); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error containing %q", err, c.says)
			}
		})
	}
}

func TestModel(t *testing.T) {
	m := CloudCarbonFootprint()
	if got := m.Joules(10); math.Abs(got-27.6) > 1e-9 {
		t.Errorf("the modelled energy of 10 CPU seconds is %v J, want 27.6 J", got)
	}
	if !strings.Contains(m.Source, "https://") {
		t.Errorf("the model's source has no URL: %q", m.Source)
	}
}
