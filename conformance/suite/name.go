package suite

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

func nameClauses(r room) []Clause {
	return []Clause{
		{ID: "name", Text: `“?name= filters by part of the name”`, hold: r.name},
		{ID: "name.case", Text: `“?name= filters by part of the name: letter case is folded”`, hold: r.nameCase},
		{ID: "name.accents", Text: `“?name= filters by part of the name: letter case is folded, accents count”`, hold: r.nameAccents},
		{ID: "name.literal", Text: `“% and _ are plain letters”`, hold: r.nameLiteral},
		{ID: "name.page", Text: `limit and after also apply to what “?name= filters”`, hold: r.namePage},
	}
}

// part returns part of an entry's name for which likely returns true. If no name has such a part, the
// clause is skipped.
func (r room) part(c *check, likely func(string) bool) string {
	for _, entry := range c.some(r).entries {
		name := []rune(text(entry, "name"))
		part := strings.TrimSpace(string(name[min(1, len(name)):min(5, len(name))]))
		if part != "" && likely(part) {
			return part
		}
	}
	c.skip("no entry of " + r.service + " has a fitting name")
	return ""
}

// filters requires that the filter finds exactly the entries whose name contains part.
func (r room) filters(c *check, part string) {
	got, a := c.query(r, "name="+url.QueryEscape(part))
	c.same(a, got, named(c.some(r).entries, part))
}

func (r room) name(c *check) {
	list := c.some(r).entries
	for _, entry := range samples(list) {
		r.filters(c, text(entry, "name"))
	}
	r.filters(c, r.part(c, func(string) bool { return true }))
	r.filters(c, "no entry's name contains this text")
}

func (r room) nameCase(c *check) {
	part := r.part(c, func(part string) bool { return swapped(part) != part })
	r.filters(c, strings.Map(func(l rune) rune { return otherCase(l, unicode.ToUpper) }, part))
	r.filters(c, strings.Map(func(l rune) rune { return otherCase(l, unicode.ToLower) }, part))
	r.filters(c, swapped(part))
}

// swapped returns the text with upper and lower case swapped.
func swapped(text string) string {
	return strings.Map(func(l rune) rune {
		if unicode.IsUpper(l) {
			return otherCase(l, unicode.ToLower)
		}
		return otherCase(l, unicode.ToUpper)
	}, text)
}

// otherCase applies change, such as unicode.ToUpper, to a letter if that changes only the letter's case; otherwise it
// returns the letter unchanged.
func otherCase(letter rune, change func(rune) rune) rune {
	if changed := change(letter); folded(string(changed)) == folded(string(letter)) {
		return changed
	}
	return letter
}

func (r room) nameAccents(c *check) {
	accented := strings.NewReplacer("a", "á", "e", "é", "i", "í", "o", "ó", "u", "ú")
	part := r.part(c, func(part string) bool {
		return accented.Replace(part) != part && len(named(c.some(r).entries, accented.Replace(part))) == 0
	})
	r.filters(c, accented.Replace(part))
	r.filters(c, part)
}

func (r room) nameLiteral(c *check) {
	for _, part := range []string{"%", "_", "a%", "_a", "%%", ".*", `\`} {
		r.filters(c, part)
	}
}

func (r room) namePage(c *check) {
	list := c.some(r)
	part := r.part(c, func(string) bool { return true })
	for _, letter := range []string{string([]rune(part)[0]), "a", "e"} {
		found := named(list.entries, letter)
		if len(found) < 2 {
			continue
		}
		after := c.ids(list.answer, found)[0]
		got, a := c.query(r, fmt.Sprintf("limit=1&after=%d&name=%s", after, url.QueryEscape(letter)))
		c.same(a, got, found[1:2])
		return
	}
	c.skip("no two entries of " + r.service + " share a letter")
}
