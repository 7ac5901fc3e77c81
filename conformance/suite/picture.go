package suite

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

func pictureClauses(r room) []Clause {
	return []Clause{
		{ID: "picture", Text: `picture.svg: “200, an emblem drawn from the entry”`, hold: r.picture},
		{ID: "picture.unknown", Text: `picture.svg of an id that doesn't exist: “an emblem drawn from the entry; 404”`, hold: r.pictureUnknown},
	}
}

func (r room) picture(c *check) {
	list, drawn := c.some(r), map[string]bool{}
	entries := samples(list.entries)
	if len(list.entries) < len(entries) {
		entries = list.entries[:1]
	}
	for _, id := range c.ids(list.answer, entries) {
		a := c.get(r.service, r.one(id)+"/picture.svg")
		c.require(strings.HasPrefix(a.Header.Get("Content-Type"), "image/svg+xml"), a, "content type image/svg+xml")
		c.require(isSVG(a.Body), a, "well-formed XML whose root is svg")
		c.require(!drawn[string(a.Body)], a, "a picture that no other entry has")
		drawn[string(a.Body)] = true
		again := c.get(r.service, r.one(id)+"/picture.svg")
		c.require(string(again.Body) == string(a.Body), again, "the same picture again")
	}
}

func (r room) pictureUnknown(c *check) {
	c.notFound(r.service, r.one(r.unknown(c))+"/picture.svg")
}

// isSVG reports whether text is well-formed XML with the root element svg.
func isSVG(text []byte) bool {
	decoder, root := xml.NewDecoder(strings.NewReader(string(text))), ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return root == "svg"
		}
		if err != nil {
			return false
		}
		if start, is := token.(xml.StartElement); is && root == "" {
			root = start.Name.Local
		}
	}
}
