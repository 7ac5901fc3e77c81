package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCondition(t *testing.T) {
	state := []byte("state")
	tag := ETag(state)
	if tag == ETag(nil) {
		t.Error("different contents have the same entity tag")
	}
	for _, c := range []struct {
		name   string
		header http.Header
		holds  bool
		wrong  string // location of the refused header, "" if it is valid
	}{
		{"no header", nil, true, ""},
		{"the current tag", http.Header{"If-Match": {tag}}, true, ""},
		{"any existing state", http.Header{"If-Match": {" * "}}, true, ""},
		{"one tag of a list with empty elements", http.Header{"If-Match": {` , "a,b" ,,` + tag + `,W/"b",`}}, true, ""},
		{"a prefix of the tag", http.Header{"If-Match": {tag[:10] + `"`}}, false, ""},
		{"a lower-case w", http.Header{"If-None-Match": {"w/" + tag}}, false, "header.If-None-Match"},
		{"two tags without a comma", http.Header{"If-Match": {`"a" ` + tag}}, false, "header.If-Match"},
		{"an unclosed quote", http.Header{"If-Match": {tag + `,"`}}, false, "header.If-Match"},
		{"one of two header lines", http.Header{"If-Match": {`"a"`, tag}}, true, ""},
		{"another tag", http.Header{"If-Match": {`"a"`}}, false, ""},
		{"the tag as a weak tag, which If-Match doesn't accept", http.Header{"If-Match": {"W/" + tag}}, false, ""},
		{"a tag beyond ASCII", http.Header{"If-Match": {"\"\xe9\""}}, false, ""},
		{"only if the entry does not exist", http.Header{"If-None-Match": {"*"}}, false, ""},
		{"only if the tag is different", http.Header{"If-None-Match": {"W/" + tag}}, false, ""},
		{"both conditions hold", http.Header{"If-Match": {tag}, "If-None-Match": {`"a"`}}, true, ""},
		{"one of two conditions does not hold", http.Header{"If-Match": {tag}, "If-None-Match": {tag}}, false, ""},
		{"empty header", http.Header{"If-Match": {""}}, false, "header.If-Match"},
		{"only commas", http.Header{"If-Match": {" , ,"}}, false, "header.If-Match"},
		{"a space in a tag", http.Header{"If-Match": {`"a b"`}}, false, "header.If-Match"},
		{"a star and a tag", http.Header{"If-Match": {`*, "a"`}}, false, "header.If-Match"},
		{"W/ without a tag", http.Header{"If-Match": {"W/"}}, false, "header.If-Match"},
		{"text after a tag", http.Header{"If-None-Match": {`"a"b`}}, false, "header.If-None-Match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPut, "/", nil)
			if c.header != nil {
				request.Header = c.header
			}
			condition, err := ConditionOf(request)
			if c.wrong != "" {
				problem := problemOf(err)
				if err == nil || problem.Status != http.StatusUnprocessableEntity || problem.Errors[0].Location != c.wrong {
					t.Errorf("got error %v, want a 422 for %s", err, c.wrong)
				}
				return
			}
			if err != nil || condition.Holds(state) != c.holds {
				t.Errorf("got Holds() %t and error %v, want %t", condition.Holds(state), err, c.holds)
			}
		})
	}
}
