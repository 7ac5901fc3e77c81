package httpserver

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// ETag returns the strong entity tag of a representation: a hash of its bytes.
func ETag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// WriteTagged answers 200 with a body and its entity tag, or 304 when the client has just that.
func WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	tag := ETag(body)
	w.Header().Set("ETag", tag)
	// A header that can't be read is one that has no such tag: the answer is whole.
	if known, _ := tagsOf(r.Header, "If-None-Match"); known.have(tag, true) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return WriteBytes(w, contentType, body)
}

// Condition is what a request demands of the state that it changes (RFC 9110, section 13).
type Condition struct{ match, noneMatch tags }

// ConditionOf reads If-Match and If-None-Match. One that can't be read is refused: a change must not be made as if
// nothing was demanded.
func ConditionOf(r *http.Request) (c Condition, err error) {
	var wrong []Place
	read := func(name string) tags {
		found, ok := tagsOf(r.Header, name)
		if !ok {
			wrong = append(wrong, Place{"header." + name, `must be * or a list of tags such as "abc"`})
		}
		return found
	}
	c = Condition{read("If-Match"), read("If-None-Match")}
	if len(wrong) > 0 {
		return c, Invalid(wrong...)
	}
	return c, nil
}

// Holds tells whether the state with that representation may be changed.
func (c Condition) Holds(representation []byte) bool {
	if !c.match.given && !c.noneMatch.given {
		return true
	}
	tag := ETag(representation)
	return (!c.match.given || c.match.have(tag, false)) && !c.noneMatch.have(tag, true)
}

// tags are the entity tags that a header lists.
type tags struct {
	given bool
	any   bool // *
	list  []string
}

// have tells whether the strong tag is listed. A weak comparison also takes one that is listed as weak.
func (t tags) have(tag string, weak bool) bool {
	return t.any || slices.ContainsFunc(t.list, func(listed string) bool {
		return listed == tag || weak && listed == "W/"+tag
	})
}

// tagsOf reads a header, which may be repeated. It is not ok when it is neither * nor a list of tags.
func tagsOf(header http.Header, name string) (found tags, ok bool) {
	lines := header.Values(name)
	if len(lines) == 0 {
		return tags{}, true
	}
	found.given = true
	text := strings.Trim(strings.Join(lines, ","), " \t")
	if text == "*" {
		found.any = true
		return found, true
	}
	for text != "" {
		if text[0] == ',' { // of an element that may be empty
			text = strings.TrimLeft(text[1:], " \t")
			continue
		}
		end := tagEnd(text)
		if end == 0 {
			return tags{given: true}, false
		}
		found.list = append(found.list, text[:end])
		text = strings.TrimLeft(text[end:], " \t")
		if text != "" && text[0] != ',' {
			return tags{given: true}, false
		}
	}
	return found, len(found.list) > 0
}

// tagEnd returns where the tag ends that the text begins with, or 0. A tag may hold a comma, but no blank.
func tagEnd(text string) int {
	begin := strings.TrimPrefix(text, "W/")
	if !strings.HasPrefix(begin, `"`) {
		return 0
	}
	length := strings.IndexByte(begin[1:], '"')
	if length < 0 || strings.ContainsFunc(begin[1:1+length], func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return 0
	}
	return len(text) - len(begin) + length + 2
}
