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

// WriteTagged sends a 200 with the body and its entity tag, or a 304 if the client already has the current version.
func WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	tag := ETag(body)
	w.Header().Set("ETag", tag)
	// A malformed If-None-Match matches no tag, so the client gets the full response.
	if known, _ := tagsOf(r.Header, "If-None-Match"); known.have(tag, true) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return WriteBytes(w, contentType, body)
}

// Condition holds the preconditions of a request that changes something (RFC 9110, section 13).
type Condition struct{ match, noneMatch tags }

// ConditionOf parses If-Match and If-None-Match. It refuses a malformed header, so that a change never goes ahead as if
// it had no precondition.
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

// Holds reports whether the preconditions allow a change, given the representation of the current state.
func (c Condition) Holds(representation []byte) bool {
	if !c.match.given && !c.noneMatch.given {
		return true
	}
	tag := ETag(representation)
	return (!c.match.given || c.match.have(tag, false)) && !c.noneMatch.have(tag, true)
}

// tags holds the entity tags listed in a header.
type tags struct {
	given bool
	any   bool // *
	list  []string
}

// have reports whether the strong tag is listed. Under weak comparison, a listed weak tag with the same value also
// matches.
func (t tags) have(tag string, weak bool) bool {
	return t.any || slices.ContainsFunc(t.list, func(listed string) bool {
		return listed == tag || weak && listed == "W/"+tag
	})
}

// tagsOf parses the values of a header that may be repeated. ok is false if the header is neither * nor a list of tags.
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
		if text[0] == ',' { // elements may be empty
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

// tagEnd returns the end of the tag at the start of text, or 0 if there is none. A tag may contain a comma but no
// space.
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
