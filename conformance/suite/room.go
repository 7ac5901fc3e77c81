package suite

import (
	"reflect"
	"slices"
	"strings"
	"unicode"

	"superheroes/conformance/rawhttp"
)

// room is one of the three catalogs.
type room struct {
	service, singular string
	fields            []string // of an entry
	known             []string // the fields that identify an entry, and that every member of the family returns
}

func characterFields() []string {
	return []string{"id", "name", "otherName", "level", "picture", "powers"}
}

func locationFields() []string { return []string{"id", "name", "description", "picture", "type"} }

func rooms() []room {
	return []room{
		{"heroes", "hero", characterFields(), []string{"name", "level"}},
		{"villains", "villain", characterFields(), []string{"name", "level"}},
		{"locations", "location", locationFields(), []string{"name"}},
	}
}

func (r room) path() string       { return "/api/" + r.service }
func (r room) randomPath() string { return r.path() + "/random_" + r.singular }

// has reports whether list has an entry that equals o in the fields that every member of the family returns.
func (r room) has(list []object, o object) bool {
	return slices.ContainsFunc(list, func(entry object) bool {
		return !slices.ContainsFunc(r.known, func(field string) bool { return o[field] == nil || !reflect.DeepEqual(o[field], entry[field]) })
	})
}

// wholeList is a catalog and the response that contained it.
type wholeList struct {
	entries []object
	answer  rawhttp.Answer
}

// all returns the whole catalog, which is read once per run.
func (c *check) all(r room) wholeList {
	if list, ok := c.lists[r.service]; ok {
		return list
	}
	a := c.get(r.service, r.path())
	list := wholeList{c.objects(a), a}
	c.lists[r.service] = list
	return list
}

// some returns the catalog, and skips the clause if it is empty.
func (c *check) some(r room) wholeList {
	list := c.all(r)
	if len(list.entries) == 0 {
		c.skip("the catalog of " + r.service + " is empty")
	}
	return list
}

// ids returns the ids of entries, which must be positive integers.
func (c *check) ids(a rawhttp.Answer, entries []object) []int64 {
	ids := make([]int64, len(entries))
	for i, entry := range entries {
		id, ok := number(entry, "id")
		c.require(ok && id >= 1, a, "a positive integer as the id, not %v", entry["id"])
		ids[i] = id
	}
	return ids
}

// folded maps letters that differ only in case to the same letter.
func folded(text string) string {
	return strings.Map(func(r rune) rune {
		lowest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			lowest = min(lowest, next)
		}
		return lowest
	}, text)
}

// named returns the entries whose name contains part, ignoring case.
func named(entries []object, part string) []object {
	found := []object{}
	for _, entry := range entries {
		if strings.Contains(folded(text(entry, "name")), folded(part)) {
			found = append(found, entry)
		}
	}
	return found
}
