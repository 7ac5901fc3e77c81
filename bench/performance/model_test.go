package performance

import (
	"math"
	"testing"
)

// aCell returns the cell of a fights process with round figures.
func aCell(name string, fights float64) Cell {
	return Cell{Name: name, Enough: true, Valid: 1, Floor: floorCell(usual), Connections: usual, Figures: map[string]Figure{
		cpu: {fights + 60}, storeCPU: {400}, throughput: {900}, storage: {3000}, wireBytes: {10_000}, wirePackets: {12},
		partCPU + "fights": {fights}, partCPU + "heroes": {20}, partCPU + "villains": {20}, partCPU + "locations": {20},
		partCPU + "PostgreSQL": {5}, partCPU + "MariaDB": {5}, partCPU + mongoName: {390},
	}}
}

func TestForecast(t *testing.T) {
	c := aCell(instanceName(1), 100)
	u, err := unitCostsOf(&c)
	if err != nil {
		t.Fatal(err)
	}
	f := u.forecast(100_000)
	for name, pair := range map[string][2]float64{
		"cores of fights": {f.fights, 10}, "of catalogs": {f.catalogs, 6}, "of their stores": {f.catalogStores, 0.009}, "of the store": {f.stores, 39},
		"bytes written": {f.written, 3e8}, "bytes sent": {f.wire, 1e9}, "packets": {f.packets, 1.2e6},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-6*pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
	if first := f.first(); first.name != "fights' store" || first.why != "CPU" || first.count() != 4 {
		t.Errorf("first is %+v", first)
	}
	u.fightStore, u.storage = 1, 100_000
	if first := u.forecast(100_000).first(); first.name != "fights' store" || first.why != "bytes written" || first.count() != 10 {
		t.Errorf("with large documents first is %+v", first)
	}
	u.storage, u.packets = 1, 1000
	if first := u.forecast(100_000).first(); first.why != "packets" {
		t.Errorf("with many packets first is %+v", first)
	}
}

func TestNoForecast(t *testing.T) {
	cell := aCell(instanceName(1), 100)
	cell.Enough = false
	if _, err := unitCostsOf(&cell); absent(err) != void {
		t.Errorf("void series: %v", err)
	}
	if _, err := unitCostsOf(nil); absent(err) != notMeasured {
		t.Errorf("no series: %v", err)
	}
}

func TestChecks(t *testing.T) {
	busy := aCell(loaded(2), 104)
	busy.Connections = 2 * usual
	r := &Results{Series: []Series{{Name: instances, Cells: []Cell{aCell(instanceName(1), 100), busy, aCell(instanceName(2), 120)}}}}
	all := r.checks()
	if len(all) != 2 || all[0].connections != 64 || all[0].predicted != 160 || all[0].measured != 164 || all[0].off() != "+2 %" ||
		all[1].connections != 32 || all[1].measured != 180 || all[1].off() != "+12 %" {
		t.Errorf("got %+v", all)
	}
}
