package performance

import (
	"slices"
	"testing"

	"superheroes/bench/measure"
)

// made returns a cell with the given CPU times.
func made(name, floor string, values ...float64) Cell {
	return Cell{Name: name, Floor: floor, Mix: executeFight, Connections: usual, Runs: len(values), Valid: len(values), Enough: len(values) > 0,
		Figures: map[string]Figure{cpu: values}}
}

// TestTargets covers limits and missing results that don't occur in the golden documents.
func TestTargets(t *testing.T) {
	const ratio, flat = "CPU per fight: `up`, eco, 32 connections", "cost by roster size, strict: `random_hero` on PostgreSQL, with the store"
	floor := floorCell(usual)
	sized := func(size int, application, store float64) Cell {
		c := made(withRows(heroesStrict, size), floor, application)
		c.Size, c.Figures[storeCPU] = size, Figure{store}
		return c
	}
	for _, test := range []struct {
		name, series, target string
		cells                []Cell
		reached              string
		want                 verdict
	}{
		{"just met", at32, ratio, []Cell{made(floor, "", 10), made(upEco, floor, 24)}, "2.40 x (24.0 us)", met},
		{"narrowly missed", at32, ratio, []Cell{made(floor, "", 10), made(upEco, floor, 24.1)}, "2.41 x (24.1 us)", notMet},
		{"the target is void", at32, ratio, []Cell{made(floor, "", 10), made(upEco, floor)}, "", void},
		{"the floor is void", at32, ratio, []Cell{made(floor, ""), made(upEco, floor, 20)}, "", void},
		{"the target is missing", at32, ratio, []Cell{made(floor, "", 10)}, "", notMeasured},
		{"the processes are unknown", at32, ratio, []Cell{made(floor, "", 10), {Name: upEco, Floor: floor, Enough: true}}, "", notMeasured},
		{"flat", rosterAlone, flat, []Cell{sized(100, 60, 40), sized(1_000_000, 70, 55)}, "+25 % at most (100 / 125 us at 100 / 1,000,000)", met},
		{"the store's cost peaks at the middle size", rosterAlone, flat, []Cell{sized(100, 60, 40), sized(10_000, 60, 70), sized(1_000_000, 60, 40)},
			"+30 % at most (100 / 130 / 100 us at 100 / 10,000 / 1,000,000)", notMet},
		{"one size is void", rosterAlone, flat, []Cell{sized(100, 60, 40), made("x", floor)}, "", void},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &Results{Series: []Series{{Name: test.series, Cells: test.cells}}}
			all := r.targets()
			got := all[slices.IndexFunc(all, func(each Target) bool { return each.What == test.target })]
			if got.Reached != test.reached || got.Verdict != test.want {
				t.Errorf("got %q, %q; want %q, %q", got.Reached, got.Verdict, test.reached, test.want)
			}
		})
	}
}

// TestLate checks that a late load generator makes only latencies void, and only if too few runs are left.
func TestLate(t *testing.T) {
	const needed = 2
	for _, test := range []struct {
		late, punctual int
		cpu, p50       string
		verdict        verdict
	}{
		{0, 2, "100", "5.00", met}, {1, 2, "100", "5.00", met}, {2, 1, "100", "VOID", void}, {2, 0, "100", "VOID", void}, {0, 1, "VOID", "VOID", void},
	} {
		c := Cell{Name: upEco, Figures: map[string]Figure{}}
		for i := range test.late + test.punctual {
			run := measure.Run{Application: &measure.Use{CPU: 100}, Latency: measure.Latency{P50: 5000, P99: 20000}}
			if run.Generator.Late.Percent = 99; i < test.late {
				run.Generator.Late.Micros, run.Latency.P50 = 1001, 7000
			}
			c.note(run)
		}
		c.decide(needed)
		r := &Results{Series: []Series{{Name: tail, Cells: []Cell{c}}}}
		got := r.tailTarget("", upEco, 10).Verdict
		if value(&c, cpu) != test.cpu || value(&c, p50, 1e-3) != test.p50 || got != test.verdict || len(c.Late) != test.late {
			t.Errorf("%d late and %d other runs: CPU %s us, p50 %s ms, %s, late: %q", test.late, test.punctual, value(&c, cpu),
				value(&c, p50, 1e-3), got, c.Late)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.0123: "0.0123", 2.345: "2.35", 23.45: "23.4", 234.5: "234", 2345.6: "2,346", -1234567: "-1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%v: got %s, want %s", n, got, want)
		}
	}
}
