package catalog_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"superheroes/internal/catalog"
)

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		name     string
		sequence catalog.Sequence
		give     []int64 // 0 for the next
		want     []int64 // 0 for none left
	}{
		{"from the beginning", catalog.Sequence{Step: 50}, []int64{0, 0, 0}, []int64{1, 51, 101}},
		{"step of one", catalog.Sequence{Step: 1}, []int64{0, 0, 0}, []int64{1, 2, 3}},
		{"above the highest", catalog.Sequence{Step: 50, Highest: 7}, []int64{0, 0}, []int64{57, 107}},
		{"above an explicit id", catalog.Sequence{Step: 50}, []int64{0, 1000, 0}, []int64{1, 1000, 1050}},
		{"a lower explicit id doesn't lower it", catalog.Sequence{Step: 50, Highest: 500}, []int64{3, 0}, []int64{3, 550}},
		{"up to the last", catalog.Sequence{Step: 50, Highest: math.MaxInt64 - 50}, []int64{0, 0}, []int64{math.MaxInt64, 0}},
		{"none left", catalog.Sequence{Step: 50, Highest: math.MaxInt64 - 49}, []int64{0, 5, 0}, []int64{0, 5, 0}},
		{"the largest id", catalog.Sequence{Step: 1}, []int64{math.MaxInt64, 0}, []int64{math.MaxInt64, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, id := range c.give {
				got, err := c.sequence.Give(id)
				if got != c.want[i] || (err != nil) != (c.want[i] == 0) {
					t.Errorf("%d of %v: got %d and %v, want %d", i, c.give, got, err, c.want[i])
				}
			}
		})
	}
}

// TestSequenceProperties checks that an explicit id is kept, and that a given one is one step above all ids so far.
func TestSequenceProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.Int64Range(1, 100).Draw(t, "step")
		sequence, highest := catalog.Sequence{Step: step}, int64(0)
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			id := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 1000), rapid.Int64Min(1)).Draw(t, "id")
			got, err := sequence.Give(id)
			switch {
			case id != 0 && (got != id || err != nil):
				t.Fatalf("%d became %d (%v)", id, got, err)
			case id == 0 && err != nil && highest <= math.MaxInt64-step:
				t.Fatalf("no id above %d: %v", highest, err)
			case id == 0 && err == nil && highest > 0 && got != highest+step:
				t.Fatalf("got %d above %d", got, highest)
			}
			highest = max(highest, got)
		}
	})
}
