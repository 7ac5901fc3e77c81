// Package energy reports the energy used by a machine and by processes, in two tiers that are never mixed: measured
// energy, and energy modelled from CPU time.
package energy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Powercap is where Linux exposes the counters of RAPL, the processor's built-in energy meter.
const Powercap = "/sys/class/powercap"

// Meter adds up the energy that RAPL measures for the whole machine: the processor packages plus, if it has its own
// counter, the memory. It is not safe for concurrent use.
type Meter struct{ zones []*zone }

// zone is a RAPL counter, which counts microjoules up to wrap and then restarts at 0.
type zone struct {
	name   string
	path   string
	wrap   uint64
	last   uint64
	joules float64
}

// Open opens the RAPL counters in a folder such as Powercap. The error says why RAPL can't be used.
func Open(folder string) (*Meter, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no RAPL: %s does not exist", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("no RAPL: %w", err)
	}
	m := &Meter{}
	for _, entry := range entries {
		zone, err := open(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("no RAPL: %w", err)
		}
		if zone != nil {
			m.zones = append(m.zones, zone)
		}
	}
	if len(m.zones) == 0 {
		return nil, fmt.Errorf("no RAPL: no package counter in %s", folder)
	}
	return m, nil
}

// open returns the RAPL counter in a folder, or nil if the folder has no counter or if another counter already includes
// its energy.
func open(folder string) (*zone, error) {
	name, err := os.ReadFile(filepath.Join(folder, "name"))
	if err != nil {
		return nil, nil //nolint:nilerr // a control type's folder has neither name nor counter
	}
	z := &zone{name: strings.TrimSpace(string(name)), path: filepath.Join(folder, "energy_uj")}
	counted := strings.HasPrefix(z.name, "package-") || z.name == "dram"
	if !counted || strings.HasPrefix(filepath.Base(folder), "intel-rapl-mmio") {
		// the package counters already include core and uncore; psys and mmio would count the packages twice
		return nil, nil
	}
	if z.wrap, err = readNumber(filepath.Join(folder, "max_energy_range_uj")); err != nil {
		return nil, err
	}
	if z.last, err = readNumber(z.path); err != nil {
		return nil, err
	}
	return z, nil
}

func readNumber(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", path, err)
	}
	return n, nil
}

// Joules returns the energy used since Open. It must be called at least every few minutes: a counter that advances by
// its full range between two calls gives a wrong result.
func (m *Meter) Joules() (float64, error) {
	total := 0.0
	for _, z := range m.zones {
		now, err := readNumber(z.path)
		if err != nil {
			return 0, err
		}
		z.joules += float64(passed(z.last, now, z.wrap)) / 1e6
		z.last = now
		total += z.joules
	}
	return total, nil
}

// passed returns the number of steps from last to now for a counter that wraps around at wrap.
func passed(last, now, wrap uint64) uint64 {
	if now >= last {
		return now - last
	}
	return wrap - last + now
}

// Zones returns the sorted names of the counters.
func (m *Meter) Zones() []string {
	var names []string
	for _, z := range m.zones {
		names = append(names, z.name)
	}
	slices.Sort(names)
	return names
}
