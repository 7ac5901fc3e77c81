package suite

import (
	"fmt"
	"reflect"
	"slices"

	"superheroes/conformance/rawhttp"
)

func pageClauses(r room) []Clause {
	return []Clause{
		{ID: "page.limit", Text: `“?limit= (1-1000) and ?after=ID page it”: at most that many`, hold: r.pageLimit},
		{ID: "page.after", Text: `“?limit= (1-1000) and ?after=ID page it”: pages follow each other without a gap`, hold: r.pageAfter},
		{ID: "page.after.any", Text: `“?after=ID”: only greater ids, whether that id exists or not`, hold: r.pageAfterAny},
		{ID: "page.refused", Text: `“bad paging”: “400 or 422 (one rule, documented), never 500”`, hold: r.pageRefused},
	}
}

// query requests the list with a query string and returns the entries.
func (c *check) query(r room, query string) ([]object, rawhttp.Answer) {
	a := c.get(r.service, r.path()+"?"+query)
	return c.objects(a), a
}

// same requires that got equals want.
func (c *check) same(a rawhttp.Answer, got, want []object) {
	c.require(len(got) == len(want), a, "%d entries, not %d", len(want), len(got))
	for i := range want {
		c.require(reflect.DeepEqual(got[i], want[i]), a, "at index %d: %s", i, encode(want[i]))
	}
}

func (r room) pageLimit(c *check) {
	whole := c.some(r).entries
	for _, limit := range []int{1, 3, 1000} {
		got, a := c.query(r, fmt.Sprint("limit=", limit))
		c.same(a, got, whole[:min(limit, len(whole))])
	}
}

// fewPages is the maximum number of pages to read from a list.
const fewPages = 5

func (r room) pageAfter(c *check) {
	list := c.some(r)
	whole, after := list.entries, int64(0)
	size := min(len(whole)/(fewPages-1)+1, 1000)
	for range fewPages {
		got, a := c.query(r, fmt.Sprintf("limit=%d&after=%d", size, after))
		want := whole[:min(size, len(whole))]
		c.same(a, got, want)
		if len(want) == 0 {
			return
		}
		whole, after = whole[len(want):], c.ids(list.answer, want)[len(want)-1]
	}
}

func (r room) pageAfterAny(c *check) {
	list := c.some(r)
	ids := c.ids(list.answer, list.entries)
	for _, after := range []int64{ids[0] - 1, ids[len(ids)/2], ids[len(ids)/2] + 1, ids[len(ids)-1], 1<<63 - 1} {
		got, a := c.query(r, fmt.Sprintf("limit=1000&after=%d", after))
		from := slices.IndexFunc(ids, func(id int64) bool { return id > after })
		if from < 0 {
			from = len(ids)
		}
		c.same(a, got, list.entries[from:min(from+1000, len(ids))])
	}
}

func (r room) pageRefused(c *check) {
	for _, query := range []string{
		"limit=0", "limit=-1", "limit=1001", "limit=abc", "limit=1.5", "limit=", "limit=99999999999999999999",
		"after=-1", "after=abc", "after=", "after=9223372036854775808",
	} {
		c.refused(r.service, rawhttp.Call{Target: r.path() + "?" + query})
	}
}
