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
		t.Error("the tag doesn't depend on the bytes")
	}
	for _, c := range []struct {
		name   string
		header http.Header
		holds  bool
		wrong  string // the place that is refused
	}{
		{"none", nil, true, ""},
		{"the tag", http.Header{"If-Match": {tag}}, true, ""},
		{"whatever there is", http.Header{"If-Match": {" * "}}, true, ""},
		{"one of a list with empty elements", http.Header{"If-Match": {` , "a,b" ,,` + tag + `,W/"b",`}}, true, ""},
		{"a part of it", http.Header{"If-Match": {tag[:10] + `"`}}, false, ""},
		{"a lower w", http.Header{"If-None-Match": {"w/" + tag}}, false, "header.If-None-Match"},
		{"two without a comma", http.Header{"If-Match": {`"a" ` + tag}}, false, "header.If-Match"},
		{"a quote that is not closed", http.Header{"If-Match": {tag + `,"`}}, false, "header.If-Match"},
		{"one of two lines", http.Header{"If-Match": {`"a"`, tag}}, true, ""},
		{"another", http.Header{"If-Match": {`"a"`}}, false, ""},
		{"the tag as a weak one, which is not enough to write", http.Header{"If-Match": {"W/" + tag}}, false, ""},
		{"a tag beyond ASCII", http.Header{"If-Match": {"\"\xe9\""}}, false, ""},
		{"only if there is none", http.Header{"If-None-Match": {"*"}}, false, ""},
		{"only if it is not this", http.Header{"If-None-Match": {"W/" + tag}}, false, ""},
		{"both hold", http.Header{"If-Match": {tag}, "If-None-Match": {`"a"`}}, true, ""},
		{"one does not hold", http.Header{"If-Match": {tag}, "If-None-Match": {tag}}, false, ""},
		{"empty", http.Header{"If-Match": {""}}, false, "header.If-Match"},
		{"only commas", http.Header{"If-Match": {" , ,"}}, false, "header.If-Match"},
		{"a blank in a tag", http.Header{"If-Match": {`"a b"`}}, false, "header.If-Match"},
		{"a star and more", http.Header{"If-Match": {`*, "a"`}}, false, "header.If-Match"},
		{"a weak nothing", http.Header{"If-Match": {"W/"}}, false, "header.If-Match"},
		{"text behind a tag", http.Header{"If-None-Match": {`"a"b`}}, false, "header.If-None-Match"},
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
					t.Errorf("got %v, want a 422 at %s", err, c.wrong)
				}
				return
			}
			if err != nil || condition.Holds(state) != c.holds {
				t.Errorf("holds: %t (%v), want %t", condition.Holds(state), err, c.holds)
			}
		})
	}
}
