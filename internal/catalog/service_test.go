package catalog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
)

// TestPages selects from a table of three pages, in which only two rows have names with accents. The ids are 1, 51, 101
// and so on.
func TestPages(t *testing.T) {
	const rows = 1500
	table := catalogtest.NewTable(rows)
	ids := make([]int64, rows)
	for i, row := range table.Rows {
		ids[i] = row.ID
	}
	table.Rows[700].Name, table.Rows[1400].Name = "Éclair 1", "éCLAIR 2"
	service := catalog.NewService(character.Heroes(), table, 0)
	defer service.Close()
	for _, c := range []struct {
		sel  catalog.Selection
		want []int64
	}{
		{catalog.Selection{}, ids},
		{catalog.Selection{Limit: 500}, ids[:500]},
		{catalog.Selection{Limit: 501}, ids[:501]},
		{catalog.Selection{Limit: rows}, ids},
		{catalog.Selection{After: ids[299], Limit: 1000}, ids[300:1300]},
		{catalog.Selection{After: ids[rows-1]}, nil},
		{catalog.Selection{Name: "ÉClair"}, []int64{ids[700], ids[1400]}},
		{catalog.Selection{Name: "éclair", Limit: 1}, ids[700:701]},
		{catalog.Selection{Name: "éclair", After: ids[700], Limit: 5}, ids[1400:1401]},
		{catalog.Selection{Name: "éclair", After: ids[1400]}, nil},
		{catalog.Selection{Name: "HERO", Limit: 600, After: 1}, ids[1:601]},
		{catalog.Selection{Name: "nobody"}, nil},
	} {
		t.Run(fmt.Sprintf("%+v", c.sel), func(t *testing.T) {
			step := func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
			var got []int64
			for page, err := range service.Pages(c.sel, step) {
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range page {
					got = append(got, item.ID)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
