package catalogtest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

func (e Engine[T]) testNames(t *testing.T) {
	f := e.empty(t)
	f.put(
		f.item(1, "Éclair"), f.item(2, "éclair 2"), f.item(3, "E\u0301clair"), f.item(4, "eclair"),
		f.item(5, "100% Man"), f.item(6, "100 Man"), f.item(7, "A_B"), f.item(8, "AxB"), f.item(9, `C\D`), f.item(10, "ΣΊΣΥΦΟΣ"),
		f.item(11, "σίσυφος"), f.item(12, "Straße"), f.item(13, "STRAẞE"), f.item(14, "Strasse"), f.item(15, "300 \u212a"),
		f.item(16, "300 k"), f.item(17, "ЁЖ"), f.item(18, "ёж"), f.item(19, "еж"), f.item(20, "🦸 Hero"), f.item(21, "İ"),
		f.item(22, "O'Hara"), f.item(23, " lead"), f.item(24, "Ａ"), f.item(25, "a\u0301"),
	)
	for _, c := range []struct {
		name   string
		choice catalog.Selection
		want   []int64
	}{
		{"accent, small", catalog.Selection{Name: "éclair"}, []int64{1, 2}},
		{"accent, capital", catalog.Selection{Name: "ÉCLAIR"}, []int64{1, 2}},
		{"without the accent", catalog.Selection{Name: "eclair"}, []int64{4}},
		{"combining accent", catalog.Selection{Name: "e\u0301CLAIR"}, []int64{3}},
		{"a combining accent alone", catalog.Selection{Name: "\u0301"}, []int64{3, 25}},
		{"percent", catalog.Selection{Name: "%"}, []int64{5}},
		{"percent in the middle", catalog.Selection{Name: "0% m"}, []int64{5}},
		{"underscore", catalog.Selection{Name: "a_b"}, []int64{7}},
		{"backslash", catalog.Selection{Name: `\`}, []int64{9}},
		{"escaped percent", catalog.Selection{Name: `\%`}, nil},
		{"quote", catalog.Selection{Name: "'h"}, []int64{22}},
		{"three sigmas", catalog.Selection{Name: "σίσυφοσ"}, []int64{10, 11}},
		{"sharp s", catalog.Selection{Name: "ẞ"}, []int64{12, 13}},
		{"double s", catalog.Selection{Name: "SS"}, []int64{14}},
		{"Kelvin sign", catalog.Selection{Name: "0 K"}, []int64{15, 16}},
		{"Cyrillic io", catalog.Selection{Name: "ёЖ"}, []int64{17, 18}},
		{"emoji", catalog.Selection{Name: "🦸"}, []int64{20}},
		{"dotted I is not i", catalog.Selection{Name: "İ"}, []int64{21}},
		{"full width", catalog.Selection{Name: "ａ"}, []int64{24}},
		{"leading blank", catalog.Selection{Name: " l"}, []int64{23}},
		{"nothing", catalog.Selection{Name: "nobody"}, nil},
		{"limit", catalog.Selection{Name: "éclair", Limit: 1}, []int64{1}},
		{"limit above the number of matches", catalog.Selection{Name: "éclair", Limit: 1000}, []int64{1, 2}},
		{"after", catalog.Selection{Name: "éclair", After: 1}, []int64{2}},
		{"after and limit", catalog.Selection{Name: "man", After: 5, Limit: 1}, []int64{6}},
		{"after the last", catalog.Selection{Name: "man", After: 6}, nil},
		{"empty part with a limit", catalog.Selection{After: 3, Limit: 2}, []int64{4, 5}},
		{"empty part after the last", catalog.Selection{After: 25}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, keys(f.selected(c.choice))); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("over many pages", e.testNamesOverPages)
}

// selected returns what a service on the store selects.
func (f *fixture[T]) selected(choice catalog.Selection) []T {
	f.Helper()
	service := catalog.NewService(f.engine.Kind, f.store, 0)
	defer service.Close()
	step := func() (context.Context, context.CancelFunc) { return context.WithCancel(f.Context()) }
	var found []T
	for page, err := range service.Pages(choice, step) {
		if err != nil {
			f.Fatal(err)
		}
		found = append(found, page...)
	}
	return found
}

func (e Engine[T]) testNamesOverPages(t *testing.T) {
	f := e.empty(t)
	const rows = 1500
	var items []T
	for i := range int64(rows) {
		items = append(items, f.numbered(1+50*i)...)
	}
	items[700], items[1400] = f.item(1+50*700, "rare 1"), f.item(1+50*1400, "RARE 2")
	f.put(items...)
	for _, c := range []struct {
		name   string
		choice catalog.Selection
		want   []T
	}{
		{"all", catalog.Selection{}, items},
		{"a whole page", catalog.Selection{Limit: 500}, items[:500]},
		{"more than a page", catalog.Selection{Limit: 501}, items[:501]},
		{"pages after an id", catalog.Selection{After: 1 + 50*299, Limit: 1000}, items[300:1300]},
		{"exactly all", catalog.Selection{Limit: rows}, items},
		{"rare names", catalog.Selection{Name: "Rare"}, []T{items[700], items[1400]}},
		{"the first rare name", catalog.Selection{Name: "Rare", Limit: 1}, items[700:701]},
		{"rare names after one", catalog.Selection{Name: "Rare", After: items[700].Key(), Limit: 5}, items[1400:1401]},
		{"common names", catalog.Selection{Name: "ITEM", Limit: 600, After: 1}, items[1:601]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(keys(c.want), keys(f.selected(c.choice))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
