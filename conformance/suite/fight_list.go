package suite

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"superheroes/conformance/rawhttp"
)

func fightListClauses() []Clause {
	return []Clause{
		{ID: "list", Text: `the list of fights: “200, newest first”`, hold: undisturbed(newestFirst, newestAmongOthers)},
		{ID: "list.default", Text: `“?limit= (1-100, default 20)”: without it`, hold: undisturbed(defaultLimit, defaultLimitAmongOthers)},
		{ID: "list.limit", Text: `“?limit= (1-100, default 20)”: at most that many`, hold: undisturbed(fightLimit, fightLimitAmongOthers)},
		{ID: "list.before", Text: `“?before=FIGHT_ID”: only older ones`, hold: besideOthers(before)},
		{ID: "list.before.any", Text: `“?before=FIGHT_ID (need not exist)”`, hold: undisturbed(beforeAny, beforeAnyAmongOthers)},
		{ID: "list.link", Text: `“a relative Link: <…>; rel="next" header where there is more”, and only there`, hold: besideOthers(link)},
		{ID: "list.link.last", Text: `a full last page has no link: “Link: <…>; rel="next" header where there is more”`, hold: lastLink},
		{ID: "list.walk", Text: `following the links leaves no gap: “Link: <…>; rel="next" header where there is more”`, hold: undisturbed(walk, walkAmongOthers)},
	}
}

// fights requests one page of stored fights.
func (c *check) fights(query string) ([]object, rawhttp.Answer) {
	a := c.get("fights", "/api/fights"+query)
	return c.objects(a), a
}

// newest returns the n newest fights; if fewer than n are stored, it first creates the missing ones.
func (c *check) newest(n int) []object {
	query := fmt.Sprint("?limit=", n)
	list, _ := c.fights(query)
	for range n - len(list) {
		c.fight(plainFight)
	}
	list, a := c.fights(query)
	c.require(len(list) == n, a, "%d fights, not %d", n, len(list))
	for _, o := range list {
		c.require(isUUID7(text(o, "id")), a, "a lower-case version 7 UUID as the id of each fight")
	}
	return list
}

func newestFirst(c *check) {
	first, second := c.fight(plainFight), c.execute()
	list, a := c.fights("?limit=100")
	c.require(len(list) >= 2 && reflect.DeepEqual(list[0], second.object) && reflect.DeepEqual(list[1], first.object),
		a, "the two newest fights first: %s, %s", second.id(), first.id())
	c.descend(list, a)
}

func newestAmongOthers(c *check) {
	first, second := c.fight(plainFight), c.execute()
	list, a := c.fights("?limit=100")
	place := func(f fight) int {
		return slices.IndexFunc(list, func(o object) bool { return reflect.DeepEqual(o, f.object) })
	}
	c.require(place(second) >= 0 && place(second) < place(first), a, "the newer fight before the older one: %s, %s", second.id(), first.id())
	c.descend(list, a)
}

// descend requires that a list of fights is sorted from newest to oldest.
func (c *check) descend(list []object, a rawhttp.Answer) {
	for i := range list[1:] {
		c.require(text(list[i], "id") > text(list[i+1], "id"), a, "descending ids, not %s before %s", list[i]["id"], list[i+1]["id"])
	}
}

// section requires that a page of the newest fights has n entries that are consecutive in a longer list. The longer list
// is read later, so other clients may have added fights in the meantime.
func (c *check) section(query string, n int) {
	page, a := c.fights(query)
	longer, _ := c.fights("?limit=100")
	c.require(len(page) == n, a, "%d fights, not %d", n, len(page))
	at := slices.IndexFunc(longer, func(o object) bool { return text(o, "id") == text(page[0], "id") })
	c.require(at >= 0, a, "a page that starts with a fight from the longer list, not %s", text(page[0], "id"))
	c.same(a, page, longer[at:min(at+n, len(longer))])
}

func defaultLimit(c *check) {
	want := c.newest(21)[:20]
	got, a := c.fights("")
	c.same(a, got, want)
}

func defaultLimitAmongOthers(c *check) {
	c.newest(21)
	c.section("", 20)
}

func fightLimit(c *check) {
	newest := c.newest(12)
	for _, limit := range []int{1, 7, 12} {
		got, a := c.fights(fmt.Sprint("?limit=", limit))
		c.same(a, got, newest[:limit])
	}
	got, a := c.fights("?limit=100")
	c.require(len(got) >= 12 && len(got) <= 100, a, "12 to 100 fights, not %d", len(got))
}

func fightLimitAmongOthers(c *check) {
	c.newest(12)
	for _, limit := range []int{1, 7, 12} {
		c.section(fmt.Sprint("?limit=", limit), limit)
	}
}

func before(c *check) {
	newest := c.newest(12)
	got, a := c.fights("?limit=4&before=" + text(newest[3], "id"))
	c.same(a, got, newest[4:8])
	got, a = c.fights("?limit=4&before=" + strings.ToUpper(text(newest[0], "id")))
	c.same(a, got, newest[1:5])
}

// beforeAny requires that the cursor may be any UUID, even one that isn't the id of a fight.
func beforeAny(c *check) {
	newest := c.newest(12)
	between := []byte(text(newest[5], "id"))
	last := len(between) - 1
	for last > 0 && (between[last] == 'f' || between[last] == '-') {
		last--
	}
	between[last] = "123456789abcdef"[strings.IndexByte("0123456789abcde", between[last])]
	got, a := c.fights("?limit=4&before=" + string(between))
	c.same(a, got, newest[5:9])
	got, a = c.fights("?limit=3&before=ffffffff-ffff-ffff-ffff-ffffffffffff")
	c.same(a, got, newest[:3])
	got, a = c.fights("?before=00000000-0000-0000-0000-000000000000")
	c.same(a, got, nil)
}

func beforeAnyAmongOthers(c *check) {
	c.newest(12)
	c.section("?limit=3&before=ffffffff-ffff-ffff-ffff-ffffffffffff", 3)
}

// next returns the target of the next page, or "" on the last page.
func (c *check) next(a rawhttp.Answer) string {
	header := a.Header.Get("Link")
	if header == "" {
		return ""
	}
	match := regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?next"?`).FindStringSubmatch(header)
	c.require(match != nil, a, `Link: <…>; rel="next", not %q`, header)
	target := match[1]
	c.require(!strings.Contains(target, "//"), a, "a relative link, not %s", target)
	if strings.HasPrefix(target, "?") {
		target = "/api/fights" + target
	}
	c.require(strings.HasPrefix(target, "/"), a, "a link starting with / or ?, not %s", target)
	return target
}

func link(c *check) {
	c.newest(3)
	_, a := c.fights("?limit=2")
	c.require(c.next(a) != "", a, `Link: <…>; rel="next", because another page follows`)
	_, a = c.fights("?before=00000000-0000-0000-0000-000000000000")
	c.require(c.next(a) == "", a, "no Link on the last page")
}

// lastLink checks the links on the last pages of the list, since other clients' new fights don't change those pages.
func lastLink(c *check) {
	c.newest(5)
	ids, a := c.listed()
	c.require(len(ids) >= 5, a, "at least 5 fights, not %d", len(ids))
	for before, more := range map[string]bool{ids[len(ids)-4]: false, ids[len(ids)-5]: true} {
		list, a := c.fights("?limit=3&before=" + before)
		c.require(len(list) == 3, a, "3 fights, not %d", len(list))
		c.require((c.next(a) != "") == more, a, "a Link if another page follows, and no Link on the last page")
	}
}

func walk(c *check) { c.walk(c.newest(12), "?limit=3") }

// walkAmongOthers walks through the fights that are older than an existing fight, since other clients' new fights don't
// change that part of the list.
func walkAmongOthers(c *check) {
	newest := c.newest(13)
	c.walk(newest[1:], "?limit=3&before="+text(newest[0], "id"))
}

// walk requires that the pages starting at query contain exactly the given fights, in order.
func (c *check) walk(fights []object, query string) {
	_, a := c.fights(query)
	for page := range slices.Chunk(fights, 3) {
		c.same(a, c.objects(a), page)
		if next := c.next(a); next != "" {
			a = c.get("fights", next)
		}
	}
}
