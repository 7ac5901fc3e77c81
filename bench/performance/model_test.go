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
		"cores of fights": {f.Fights, 10}, "of catalogs": {f.Catalogs, 6}, "of their stores": {f.CatalogStores, 0.009}, "of the store": {f.Stores, 39},
		"bytes written": {f.Written, 3e8}, "bytes sent": {f.Wire, 1e9}, "packets": {f.Packets, 1.2e6},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-6*pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
	if first := f.First(); first.Name != "fights' store" || first.Why != "CPU" || first.String() != "4 nodes" {
		t.Errorf("first is %+v", first)
	}
	u.FightStore, u.Storage = 1, 100_000
	if first := u.forecast(100_000).First(); first.Name != "fights' store" || first.Why != "bytes written" || first.String() != "10 nodes" {
		t.Errorf("with large documents first is %+v", first)
	}
	u.Storage, u.Packets = 1, 1000
	if first := u.forecast(100_000).First(); first.Why != "packets" {
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
	if len(all) != 2 || all[0].Connections != 64 || all[0].Predicted != 160 || all[0].Measured != 164 || all[0].Off() != "+2 %" ||
		all[1].Connections != 32 || all[1].Measured != 180 || all[1].Off() != "+12 %" {
		t.Errorf("got %+v", all)
	}
}
