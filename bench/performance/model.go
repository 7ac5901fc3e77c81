package performance

import (
	"fmt"
	"math"
)

// What the model assumes of machines: round figures of what can be rented today, not of anything measured here.
const (
	nodeCores     = 16.0
	nodeUse       = 0.7   // of its cores that a node may use
	networkBytes  = 3.0e9 // a second: 25 Gbit/s less framing
	networkFrames = 2.0e6 // packets a second that a node's kernel handles beside its work
	diskBytes     = 1.0e9 // a second that a store node writes durably
)

// unitCosts are what one fight costs, of four processes in eco.
type unitCosts struct {
	fights, catalogs, fightStore float64 // CPU microseconds
	storage                      float64 // bytes sent to storage
	wire, packets                float64 // bytes and packets on the loopback device, of everybody

	catalogStores float64 // cores, whatever the rate: a change is what they tell of, and not a fight
}

// unitCostsOf reads them off a cell.
func unitCostsOf(c *Cell) (unitCosts, error) {
	if c == nil {
		return unitCosts{}, errNotMeasured
	}
	if !c.Enough {
		return unitCosts{}, errVoid
	}
	part := func(name string) float64 { return c.median(partCPU + name) }
	u := unitCosts{
		fights:     part("fights"),
		catalogs:   part("heroes") + part("villains") + part("locations"),
		fightStore: part(mongoName),
		storage:    c.median(storage), wire: c.median(wireBytes), packets: c.median(wirePackets),

		catalogStores: (part("PostgreSQL") + part("MariaDB")) * c.median(throughput) / 1e6,
	}
	if u.fights == 0 || u.catalogs == 0 {
		return u, errNotMeasured
	}
	return u, nil
}

// tier is one kind of node at one rate, as a number of nodes.
type tier struct {
	name  string
	nodes float64
	why   string // the resource that takes most of it
	alone bool   // it is one node until somebody shards it
}

// forecast is what a rate takes.
type forecast struct {
	rate                                    float64
	fights, catalogs, catalogStores, stores float64 // cores
	written, wire, packets                  float64 // a second
	tiers                                   []tier
}

func (u unitCosts) forecast(rate float64) forecast {
	cores := func(us float64) float64 { return rate * us / 1e6 }
	f := forecast{
		rate: rate, fights: cores(u.fights), catalogs: cores(u.catalogs), catalogStores: u.catalogStores, stores: cores(u.fightStore),
		written: rate * u.storage, wire: rate * u.wire, packets: rate * u.packets,
	}
	network := tierOf("network of a fights node", f.wire/networkBytes, "bytes", f.packets/networkFrames, "packets")
	store := tierOf("fights' store", f.stores/(nodeCores*nodeUse), "CPU", f.written/diskBytes, "bytes written")
	store.alone = true
	f.tiers = []tier{store, {"fights", f.fights / (nodeCores * nodeUse), "CPU", false}, {"catalogs", f.catalogs / (nodeCores * nodeUse), "CPU", false}, network}
	return f
}

// tierOf takes the scarcer of two resources.
func tierOf(name string, one float64, oneName string, other float64, otherName string) tier {
	if other > one {
		return tier{name: name, nodes: other, why: otherName}
	}
	return tier{name: name, nodes: one, why: oneName}
}

// first is the tier that takes most of its nodes.
func (f forecast) first() tier {
	most := f.tiers[0]
	for _, t := range f.tiers[1:] {
		if t.nodes > most.nodes {
			most = t
		}
	}
	return most
}

// nodes is how many a tier needs.
func (t tier) count() float64 { return max(1, math.Ceil(t.nodes)) }

// modelRates are those that the model is asked for.
func modelRates() []float64 { return []float64{10_000, 100_000, 1_000_000} }

// check is how far the model was from what several processes took.
type check struct {
	name                string
	connections         int
	predicted, measured float64 // CPU microseconds of a fight, of fights and catalogs
	store               float64 // measured, of the database servers
	through             float64 // fights a second
}

// checks compare several processes of fights with what one has cost: with as many connections each, of which the model
// speaks, and with as many in all.
func (r *Results) checks() []check {
	var all []check
	one := r.cell(instances, instanceName(1))
	if !one.has(cpu) {
		return nil
	}
	for _, name := range []func(int) string{loaded, instanceName} {
		for _, n := range instanceCounts()[1:] {
			if c := r.cell(instances, name(n)); c.has(cpu) {
				all = append(all, check{instanceName(n), c.Connections, one.median(cpu), c.median(cpu), c.median(storeCPU), c.median(throughput)})
			}
		}
	}
	return all
}

func (c check) off() string { return fmt.Sprintf("%+.0f %%", 100*(c.measured/c.predicted-1)) }
