package performance

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/bench/measure"
)

func TestNoteParts(t *testing.T) {
	parts := []part{
		{"PostgreSQL", true, []int{10}}, {"fights", false, []int{20, 21}}, {"heroes", false, []int{30}}, {"MariaDB", true, nil},
	}
	run := measure.Run{
		Application: &measure.Use{CPU: 60, Trees: []measure.Tree{{PID: 20, CPU: 35}, {PID: 21, CPU: 20}, {PID: 30, CPU: 5}}},
		Store:       &measure.Use{CPU: 0.25, Trees: []measure.Tree{{PID: 10, CPU: 0.25}}},
	}
	c := &Cell{}
	c.noteParts(run, parts)
	c.noteParts(run, parts)
	c.noteParts(measure.Run{}, parts) // without figures about processes
	want := map[string]Figure{partCPU + "PostgreSQL": {0.25, 0.25}, partCPU + "fights": {55, 55}, partCPU + "heroes": {5, 5}}
	if diff := cmp.Diff(want, c.Figures); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := []string{"PostgreSQL", "fights", "heroes"}; !slices.Equal(c.Parts, want) {
		t.Errorf("parts %q, want %q", c.Parts, want)
	}
}
