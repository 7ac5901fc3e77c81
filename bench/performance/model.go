package performance

import (
	"fmt"
	"math"
)

// Assumptions of the model about machines: round figures for what can be rented today, not measured here.
const (
	nodeCores     = 16.0
	nodeUse       = 0.7   // usable fraction of a node's cores
	networkBytes  = 3.0e9 // per second: 25 Gbit/s minus framing
	networkFrames = 2.0e6 // packets per second that a node's kernel handles in addition to the node's work
	diskBytes     = 1.0e9 // per second, written durably by a store node
)

// unitCosts is the cost of one fight with four processes in eco.
type unitCosts struct {
	fights, catalogs, fightStore float64 // CPU microseconds
	storage                      float64 // bytes sent to storage
	wire, packets                float64 // bytes and packets on the loopback device, from all processes

	catalogStores float64 // cores, independent of the rate: their work depends on changes, not on fights
}

// unitCostsOf computes them from a cell.
func unitCostsOf(c *Cell) (unitCosts, error) {
	if err := c.check(); err != nil {
		return unitCosts{}, err
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

// tier is the number of nodes of one kind that a rate needs.
type tier struct {
	name  string
	nodes float64
	why   string // the limiting resource
	alone bool   // it is a single node until it is sharded
}

// forecast is what a rate requires.
type forecast struct {
	rate                                    float64
	fights, catalogs, catalogStores, stores float64 // cores
	written, wire, packets                  float64 // per second
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

// tierOf returns a tier limited by the scarcer of two resources.
func tierOf(name string, one float64, oneName string, other float64, otherName string) tier {
	if other > one {
		return tier{name: name, nodes: other, why: otherName}
	}
	return tier{name: name, nodes: one, why: oneName}
}

// first returns the tier that saturates first: the one that needs the most nodes.
func (f forecast) first() tier {
	largest := f.tiers[0]
	for _, t := range f.tiers[1:] {
		if t.nodes > largest.nodes {
			largest = t
		}
	}
	return largest
}

// count returns how many whole nodes a tier needs.
func (t tier) count() float64 { return max(1, math.Ceil(t.nodes)) }

// modelRates returns the rates that the model is evaluated for, in fights per second.
func modelRates() []float64 { return []float64{10_000, 100_000, 1_000_000} }

// check compares the model with a measurement of several processes.
type check struct {
	name                string
	connections         int
	predicted, measured float64 // CPU microseconds per fight, in fights and catalogs
	store               float64 // measured, in the database servers
	through             float64 // fights per second
}

// checks compares the cost with several fights processes to that with one: first with the same number of connections for each
// process, which the model assumes, then with the same number in total.
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
