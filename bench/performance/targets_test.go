package performance

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// made returns a cell with these CPU times.
func made(name, floor string, values ...float64) Cell {
	return Cell{Name: name, Floor: floor, Mix: executeFight, Connections: usual, Runs: len(values), Valid: len(values), Enough: len(values) > 0,
		Figures: map[string]Figure{cpu: values}}
}

// targetOf returns the target with that description.
func targetOf(t *testing.T, r *Results, what string) Target {
	t.Helper()
	for _, target := range r.targets() {
		if target.What == what {
			return target
		}
	}
	t.Fatalf("no target %q", what)
	return Target{}
}

func TestRatioTarget(t *testing.T) {
	const what, floor = "CPU per fight: `up`, eco, 32 connections", "floor, 32 connections"
	want := Target{What: what, Wanted: "<= 2.4 x floor"}
	with := func(reached, spread, floor string, v verdict) Target {
		all := want
		all.Reached, all.Spread, all.Floor, all.Verdict = reached, spread, floor, v
		return all
	}
	notEnough := made(upEco, floor, 20)
	notEnough.Enough = false
	for _, test := range []struct {
		name  string
		cells []Cell
		want  Target
	}{
		{"met", []Cell{made(floor, "", 9, 10, 11), made(upEco, floor, 20, 24, 30)}, with("2.40 x (24.0 us)", "2.00-3.00 x", "10.0 us (9.00-11.0)", met)},
		{"narrowly missed", []Cell{made(floor, "", 10), made(upEco, floor, 24.1)}, with("2.41 x (24.1 us)", "2.41-2.41 x", "10.0 us (10.0-10.0)", notMet)},
		{"the target is void", []Cell{made(floor, "", 10), notEnough}, with("", "", "", void)},
		{"the floor is void", []Cell{made(floor, ""), made(upEco, floor, 20)}, with("", "", "", void)},
		{"the target is missing", []Cell{made(floor, "", 10)}, with("", "", "", notMeasured)},
		{"the processes are unknown", []Cell{made(floor, "", 10), {Name: upEco, Floor: floor, Enough: true}}, with("", "", "", notMeasured)},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &Results{Series: []Series{{Name: at32, Cells: test.cells}}}
			if diff := cmp.Diff(test.want, targetOf(t, r, what)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("no series", func(t *testing.T) {
		if got := targetOf(t, &Results{}, what).Verdict; got != notMeasured {
			t.Errorf("got %q", got)
		}
	})
}

func TestOneConnectionIsJudgedByTheHarderFloor(t *testing.T) {
	r := &Results{Series: []Series{{Name: at1, Cells: []Cell{
		made(floorCell(usual), "", 20), made(floorCell(1), "", 50), made(upEco, floorCell(1), 400),
	}}}}
	byUsual := targetOf(t, r, "CPU per fight: `up`, eco, 1 connection, by the floor at 32")
	byOne := targetOf(t, r, "CPU per fight: `up`, eco, 1 connection, by the floor at 1")
	if byUsual.Verdict != notMet || byUsual.Reached != "20.0 x (400 us)" || byUsual.Aside {
		t.Errorf("by the floor at 32: %+v", byUsual)
	}
	if byOne.Verdict != "" || byOne.Reached != "8.00 x (400 us)" || !byOne.Aside {
		t.Errorf("by the floor at 1: %+v", byOne)
	}
}

func TestFlatTarget(t *testing.T) {
	const what = "cost by roster size, strict: `random_hero` on PostgreSQL, with the store"
	sized := func(size int, application, store float64) Cell {
		c := made(withRows(heroesStrict, size), floorCell(usual), application)
		c.Size, c.Figures[storeCPU] = size, Figure{store}
		return c
	}
	for _, test := range []struct {
		name    string
		cells   []Cell
		reached string
		want    verdict
	}{
		{"flat", []Cell{sized(100, 60, 40), sized(1_000_000, 70, 55)}, "+25 % at most (100 / 125 us at 100 / 1,000,000)", met},
		{"the store grows", []Cell{sized(100, 60, 40), sized(1_000_000, 60, 70)}, "+30 % at most (100 / 130 us at 100 / 1,000,000)", notMet},
		{"the middle grows", []Cell{sized(100, 60, 40), sized(10_000, 60, 70), sized(1_000_000, 60, 40)}, "+30 % at most (100 / 130 / 100 us at 100 / 10,000 / 1,000,000)", notMet},
		{"it falls", []Cell{sized(100, 60, 40), sized(1_000_000, 30, 20)}, "-50 % at most (100 / 50.0 us at 100 / 1,000,000)", met},
		{"not far enough", []Cell{sized(100, 60, 40), sized(50_000, 60, 40)}, "+0 % at most (100 / 100 us at 100 / 50,000)", "measured to 50,000 only"},
		{"one is void", []Cell{sized(100, 60, 40), {Name: "x", Floor: floorCell(usual)}}, "", void},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &Results{Series: []Series{{Name: rosterAlone, Cells: append([]Cell{made(floorCell(usual), "", 10)}, test.cells...)}}}
			got := targetOf(t, r, what)
			if got.Reached != test.reached || got.Verdict != test.want {
				t.Errorf("got %q, %q; want %q, %q", got.Reached, got.Verdict, test.reached, test.want)
			}
		})
	}
}

func TestTailTarget(t *testing.T) {
	c := made(upEco, "")
	c.Enough, c.Rate = true, 8000
	c.Figures = map[string]Figure{p50: {1000, 1200, 1100}, p99: {9000, 9600, 12000}}
	r := &Results{Series: []Series{{Name: tail, Cells: []Cell{c}}}}
	got := targetOf(t, r, "p99 at 80 % of saturation, `up`, eco")
	if got.Verdict != met || got.Reached != "8.73 x (p50 1.10 ms, p99 9.60 ms at 8,000/s)" || got.Spread != "8.00-10.9 x" {
		t.Errorf("got %+v", got)
	}
	c.Enough = false
	r.Series[0].Cells[0] = c
	if got := targetOf(t, r, "p99 at 80 % of saturation, `up`, eco"); got.Verdict != void || got.Reached != "" {
		t.Errorf("void: %+v", got)
	}
}

func TestIdleTargets(t *testing.T) {
	r := &Results{Idle: []Idle{
		{Name: "up", CPU: 0.0001, RSS: 30, Seconds: 30}, {Name: "heroes", CPU: 0.0006, RSS: 20, Seconds: 30}, {Name: "fights", RSS: 25, Seconds: 30},
		{Name: "PostgreSQL", CPU: 0.9, RSS: 500, Store: true}, {Name: "floor", RSS: 12},
	}}
	got := r.idleTargets()
	if got[0].Verdict != notMet || got[0].Reached != "0.060 % (heroes) over 30 s" {
		t.Errorf("CPU: %+v", got[0])
	}
	if got[1].Verdict != notMet || got[1].Reached != "25.0 MiB (fights)" || got[1].Floor != "12.0 MiB" {
		t.Errorf("memory of a service: %+v", got[1])
	}
	if got[2].Verdict != met || got[2].Reached != "30.0 MiB" {
		t.Errorf("memory of up: %+v", got[2])
	}
}

func TestConnectionsTarget(t *testing.T) {
	cells := func(at32, at1024 float64) []Cell {
		var all []Cell
		for n, values := range map[int][2]float64{32: {20_000, at32}, 1024: {18_000, at1024}} {
			for i, name := range []string{floorCell(n), atConnections(upEco, n)} {
				all = append(all, Cell{Name: name, Enough: true, Figures: map[string]Figure{throughput: {values[i]}}})
			}
		}
		return all
	}
	for _, test := range []struct {
		name      string
		few, many float64
		want      verdict
		reached   string
	}{
		{"falls a little", 10_000, 9_000, met, "falls by 10 % (10,000 / 9,000/s)"},
		{"falls too much", 10_000, 8_000, notMet, "falls by 20 % (10,000 / 8,000/s)"},
		{"rises", 10_000, 12_000, met, "falls by 0 % (10,000 / 12,000/s)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &Results{Plan: plan{Clients: []int{32, 1024}}, Series: []Series{{Name: connections, Cells: cells(test.few, test.many)}}}
			got := targetOf(t, r, "throughput by connections, `up`, eco, 32 to 1,024")
			if got.Verdict != test.want || got.Reached != test.reached || got.Floor != "falls by 10 % (20,000 / 18,000/s)" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestStartAndAllocationTargets(t *testing.T) {
	thirteen := int64(13)
	r := &Results{Starts: []Start{{newData, Figure{20, 60, 40}}, {existingData, Figure{31}}}, Allocations: &thirteen}
	if got := targetOf(t, r, "process start to response of the first fight, `up`, new data"); got.Verdict != met || got.Reached != "40.0 ms, the median of 3" || got.Spread != "20.0-60.0 ms" {
		t.Errorf("new data: %+v", got)
	}
	if got := targetOf(t, r, "process start to response of the first fight, `up`, existing data"); got.Verdict != notMet {
		t.Errorf("existing data: %+v", got)
	}
	if got := targetOf(t, r, "allocations of our own code per fight, eco, store stubbed out"); got.Verdict != notMet || got.Reached != "13" {
		t.Errorf("allocations: %+v", got)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.0123: "0.0123", 2.345: "2.35", 23.45: "23.4", 234.5: "234", 2345.6: "2,346", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := number(n); got != want {
			t.Errorf("%v: got %s, want %s", n, got, want)
		}
	}
}
