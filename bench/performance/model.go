package performance

import (
	"fmt"
	"math"
)

// The model's assumptions about machines: round figures for machines that can be rented today, not measurements.
const (
	nodeCores     = 16.0
	nodeUse       = 0.7   // usable fraction of a node's cores
	networkBytes  = 3.0e9 // bytes per second: 25 Gbit/s minus framing
	networkFrames = 2.0e6 // packets per second that a node's kernel handles in addition to the node's work
	diskBytes     = 1.0e9 // bytes per second that a store node can write durably
)

// unitCosts holds the resource costs of one fight, with four processes in the eco profile.
type unitCosts struct {
	Fights, Catalogs, FightStore float64 // CPU microseconds
	Storage                      float64 // bytes sent to storage
	Wire, Packets                float64 // bytes and packets on the loopback device, from all processes

	CatalogStores float64 // cores used regardless of the rate, since catalogs read their stores only after a change
}

// unitCostsOf computes the costs of one fight from the results in a cell.
func unitCostsOf(c *Cell) (unitCosts, error) {
	if err := c.check(); err != nil {
		return unitCosts{}, err
	}
	part := func(name string) float64 { return c.median(partCPU + name) }
	u := unitCosts{
		Fights:     part("fights"),
		Catalogs:   part("heroes") + part("villains") + part("locations"),
		FightStore: part(mongoName),
		Storage:    c.median(storage), Wire: c.median(wireBytes), Packets: c.median(wirePackets),

		CatalogStores: (part("PostgreSQL") + part("MariaDB")) * c.median(throughput) / 1e6,
	}
	if u.Fights == 0 || u.Catalogs == 0 {
		return u, errNotMeasured
	}
	return u, nil
}

// tier holds the number of nodes of one kind that are needed for a given rate of fights.
type tier struct {
	Name  string
	nodes float64
	Why   string // the limiting resource
}

// String returns the number of nodes, rounded up, or the percentage of a single node.
func (t tier) String() string {
	if t.nodes <= 1 {
		return fmt.Sprintf("%.0f %% of a node", 100*t.nodes)
	}
	return thousands(math.Ceil(t.nodes)) + " nodes"
}

// forecast holds the resources needed for a given rate of fights.
type forecast struct {
	Rate                                    float64
	Fights, Catalogs, CatalogStores, Stores float64 // cores
	Written, Wire, Packets                  float64 // per second
	Store                                   tier    // a single node until the store is sharded
	others                                  []tier
}

func (u unitCosts) forecast(rate float64) forecast {
	cores := func(us float64) float64 { return rate * us / 1e6 }
	f := forecast{
		Rate: rate, Fights: cores(u.Fights), Catalogs: cores(u.Catalogs), CatalogStores: u.CatalogStores,
		Stores:  cores(u.FightStore),
		Written: rate * u.Storage, Wire: rate * u.Wire, Packets: rate * u.Packets,
	}
	const usable = nodeCores * nodeUse
	const store, network = "fight store", "network of a fights node"
	f.Store = scarcer(tier{store, f.Stores / usable, "CPU"}, tier{store, f.Written / diskBytes, "bytes written"})
	f.others = []tier{
		{"fights", f.Fights / usable, "CPU"}, {"catalogs", f.Catalogs / usable, "CPU"},
		scarcer(tier{network, f.Wire / networkBytes, "bytes"}, tier{network, f.Packets / networkFrames, "packets"}),
	}
	return f
}

func scarcer(one, other tier) tier {
	if other.nodes > one.nodes {
		return other
	}
	return one
}

// First returns the tier that saturates first: the one that needs the most nodes.
func (f forecast) First() tier {
	first := f.Store
	for _, t := range f.others {
		first = scarcer(first, t)
	}
	return first
}

// Forecasts evaluates the model for three rates, in fights per second.
func (u unitCosts) Forecasts() []forecast {
	return []forecast{u.forecast(10_000), u.forecast(100_000), u.Largest()}
}

// Largest evaluates the model for the highest of the forecast rates.
func (u unitCosts) Largest() forecast { return u.forecast(1_000_000) }

// check compares the model with a measurement of several processes of the fights service.
type check struct {
	Name                string
	Connections         int
	Predicted, Measured float64 // CPU microseconds per fight, in the fights and catalog processes
	Store               float64 // measured CPU microseconds per fight in the database servers
	Through             float64 // fights per second
}

// checks compares the cost of a fight with several processes of the fights service to the cost with a single process:
// first with the same number of connections for each process, which the model assumes, then with the same number in
// total.
func (r *Results) checks() []check {
	var all []check
	one := r.cell(instances, instanceName(1))
	if !one.has(cpu) {
		return nil
	}
	for _, name := range []func(int) string{loaded, instanceName} {
		for _, n := range instanceCounts()[1:] {
			if c := r.cell(instances, name(n)); c.has(cpu) {
				all = append(all, check{
					instanceName(n), c.Connections, one.median(cpu), c.median(cpu), c.median(storeCPU), c.median(throughput),
				})
			}
		}
	}
	return all
}

// Off returns the difference between measurement and prediction, as a percentage.
func (c check) Off() string { return fmt.Sprintf("%+.0f %%", 100*(c.Measured/c.Predicted-1)) }
