package suite

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"superheroes/conformance/rawhttp"
)

// The contract doesn't mention narrations; docs/api.md describes them.
func narrationClauses() []Clause {
	return []Clause{
		{ID: "narration", Text: `“GET /api/fights/{id}/narration tells the story of a stored fight”: it names both fighters, and its length is limited`, hold: narrated},
		{ID: "narration.same", Text: `“the same fight always has the same story”`, hold: narratedAlike},
		{ID: "narration.hostile", Text: `“The story is plain text”, on one line, even if names are markup or very long, or there are no powers`, hold: narratedAnyway},
		{ID: "narration.unknown", Text: `only “a stored fight” has a story: 404 for an unknown id, and 400 or 422 for a malformed one`, hold: narratedUnknown},
	}
}

// maxNarration bounds a narration, in bytes. Its sentences repeat names, which have up to 200 bytes each.
const maxNarration = 5 << 10

func narrationPath(f fight) string { return "/api/fights/" + f.id() + "/narration" }

// narration returns the narration of a stored fight. If the member answers that there is no such path, the clause can't
// be checked.
func (c *check) narration(f fight) (string, rawhttp.Answer) {
	a := c.do("fights", rawhttp.Call{Target: narrationPath(f)})
	if a.Status == http.StatusNotFound {
		c.cannot("narration", "the member has none: "+a.String())
	}
	o := c.object(c.status(http.StatusOK, a))
	c.fields(a, o, []string{"narration"})
	story, _ := o["narration"].(string)
	c.require(strings.TrimSpace(story) != "" && len(story) <= maxNarration, a, "a text of 1 to %d bytes in the field narration", maxNarration)
	c.require(utf8.ValidString(story) && !strings.ContainsFunc(story, unicode.IsControl), a, "a text on one line, without control characters")
	return story, a
}

func narrated(c *check) {
	for _, f := range []fight{c.execute(), c.fight(heroWins), c.fight(`{"hero":{"name":"Ann"},"villain":{"name":"Zed"},"location":{"name":"Here"}}`)} {
		story, a := c.narration(f)
		for _, side := range []string{"winner_name", "loser_name"} {
			name := text(f.object, side)
			c.require(strings.Contains(story, name), a, "%s in the narration", name)
		}
	}
}

func narratedAlike(c *check) {
	f := c.execute()
	story, _ := c.narration(f)
	for range 3 {
		again, a := c.narration(f)
		c.require(again == story, a, "the same narration as before: %s", story)
	}
}

func narratedAnyway(c *check) {
	for _, name := range []string{`<script>alert(1)</script>`, "{winner}[a|b]", "🦸", "رستم", "a\nb", "\u202eevil", " ", strings.Repeat("🦸", 50)} {
		long := strings.Repeat(name, 250/len(name))
		body := object{"name": name, "otherName": long, "powers": strings.Repeat(name+", ", 200)}
		c.narration(c.fight(encode(object{"hero": body, "villain": object{"name": name}, "location": object{"name": name}})))
	}
}

func narratedUnknown(c *check) {
	c.narration(c.fight(plainFight))
	c.notFound("fights", "/api/fights/00000000-0000-0000-0000-000000000000/narration")
	for _, id := range []string{"1", "abc", "01890a5dac96774bbcceb302099a8057"} {
		c.refused("fights", rawhttp.Call{Target: "/api/fights/" + id + "/narration"})
	}
}
