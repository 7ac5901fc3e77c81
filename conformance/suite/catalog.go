package suite

import (
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"superheroes/conformance/rawhttp"
)

// catalogClauses returns the clauses about heroes, villains or locations.
func catalogClauses(r room) []Clause {
	return serviceClauses(r.service, Full, readClauses(r), randomClauses(r), picksClauses(r), gzipClauses(r), pageClauses(r), nameClauses(r),
		pictureClauses(r), refusalClauses(r))
}

func readClauses(r room) []Clause {
	clauses := []Clause{
		{ID: "list", Group: Core, Text: `the list is a JSON array of objects with id and name: “200, array of all”`, hold: r.list},
		{ID: "list.order", Text: `“200, array of all by id”`, hold: r.listOrder},
		{ID: "get", Group: Core, Text: `an entry from the list can be read by its id: “200, or 404”`, hold: r.get},
		{ID: "get.same", Text: `an entry read by its id equals the one in the list: “byte for byte, the same on every store”`, hold: r.getSame},
		{ID: "get.unknown", Group: Core, Text: `an id that doesn't exist gets a 404: “200, or 404”`, hold: r.getUnknown},
	}
	if r.singular == "location" {
		return append(clauses,
			Clause{ID: "fields", Text: `an entry has exactly the fields “id, name 1-50 unique, description, picture, type one of CITY PLANET PLACE ISLAND COUNTRY MOON”`, hold: r.locationFields},
			Clause{ID: "name.unique", Text: `“name 1-50 unique”`, hold: r.uniqueNames})
	}
	return append(clauses, Clause{ID: "fields", Group: Full,
		Text: `an entry has exactly the fields “id integer, name string 1-50 code points, otherName string up to 255, level integer 0..2^31-1, picture string up to 255 (URL or path), powers string”`,
		hold: r.characterFields})
}

func (r room) list(c *check) {
	list := c.all(r)
	c.ids(list.answer, list.entries)
	for _, entry := range list.entries {
		c.require(text(entry, "name") != "", list.answer, "a name in %s", encode(entry))
	}
}

func (r room) listOrder(c *check) {
	list := c.some(r)
	ids := c.ids(list.answer, list.entries)
	for i := range ids[1:] {
		c.require(ids[i] < ids[i+1], list.answer, "ascending ids, not %d before %d", ids[i], ids[i+1])
	}
}

// samples returns the first, middle and last entry of a list.
func samples(entries []object) []object {
	return []object{entries[0], entries[len(entries)/2], entries[len(entries)-1]}
}

func (r room) one(id int64) string { return r.path() + "/" + strconv.FormatInt(id, 10) }

func (r room) get(c *check) {
	list := c.some(r)
	for _, entry := range samples(list.entries) {
		id := c.ids(list.answer, []object{entry})[0]
		a := c.get(r.service, r.one(id))
		got, ok := number(c.object(a), "id")
		c.require(ok && got == id && r.has([]object{entry}, c.object(a)), a, "the same entry as in the list: %s", encode(entry))
	}
}

func (r room) getSame(c *check) {
	list := c.some(r)
	for _, entry := range samples(list.entries) {
		a := c.get(r.service, r.one(c.ids(list.answer, []object{entry})[0]))
		c.require(reflect.DeepEqual(entry, c.object(a)), a, "exactly the same entry as in the list: %s", encode(entry))
	}
}

// unknown returns an id that no entry in the list has.
func (r room) unknown(c *check) int64 {
	list := c.all(r)
	return slices.Max(append(c.ids(list.answer, list.entries), 1)) + 1000
}

func (r room) getUnknown(c *check) { c.notFound(r.service, r.one(r.unknown(c))) }

func (r room) characterFields(c *check) {
	list := c.some(r)
	for _, entry := range list.entries {
		c.fields(list.answer, entry, r.fields)
		level, ok := number(entry, "level")
		c.require(ok && level >= 0 && level < 1<<31, list.answer, "a level from 0 to 2^31-1 in %s", encode(entry))
		c.texts(list.answer, entry, map[string]int{"name": 50, "otherName": 255, "picture": 255, "powers": 0})
	}
	c.ids(list.answer, list.entries)
}

func (r room) locationFields(c *check) {
	list := c.some(r)
	types := []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON"}
	for _, entry := range list.entries {
		c.fields(list.answer, entry, r.fields)
		c.require(slices.Contains(types, text(entry, "type")), list.answer, "one of the contract's location types in %s", encode(entry))
		c.texts(list.answer, entry, map[string]int{"name": 50, "description": 0, "picture": 255})
	}
	c.ids(list.answer, list.entries)
}

// texts requires that fields are strings with at most the given number of code points (0 means no limit), and that the
// name isn't empty.
func (c *check) texts(a rawhttp.Answer, entry object, limits map[string]int) {
	for field, most := range limits {
		value, is := entry[field].(string)
		c.require(is, a, "a string in the field %s of %s", field, encode(entry))
		c.require(most == 0 || utf8.RuneCountInString(value) <= most, a, "at most %d code points in the field %s of %s", most, field, encode(entry))
		c.require(field != "name" || value != "", a, "a name in %s", encode(entry))
	}
}

func (r room) uniqueNames(c *check) {
	list, have := c.some(r), map[string]bool{}
	for _, entry := range list.entries {
		c.require(!have[text(entry, "name")], list.answer, "unique names, not %s twice", text(entry, "name"))
		have[text(entry, "name")] = true
	}
}
