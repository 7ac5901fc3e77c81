package httpserver

import (
	"math"
	"net/http"
	"strings"
	"testing"
)

func TestPathID(t *testing.T) {
	var got int64
	server, _ := serving(t, settings(), route(http.MethodGet, "/{id}", func(w http.ResponseWriter, r *http.Request) (err error) {
		if got, err = PathID(r); err != nil {
			return err
		}
		return ok(w, r)
	}))
	for id, want := range map[string]int64{ // 0 if the id is refused
		"007": 7, "%31": 1, "9223372036854775807": math.MaxInt64, "9223372036854775808": 0, "0": 0, "-1": 0, "+1": 0, "1.0": 0, "1e3": 0,
		"0x1": 0, "1_000": 0, "1%20": 0, "%D9%A1": 0, "1%00": 0, "%FF": 0, "1%2F2": 0,
	} {
		got = 0
		reply := ask(t, server, http.MethodGet, "/"+id, "")
		if want != 0 && (reply.status != http.StatusOK || got != want) {
			t.Errorf("id %s: got id %d with response %d %s, want id %d", id, got, reply.status, reply.body, want)
		}
		if want == 0 && !strings.HasPrefix(reply.problem(t, http.StatusUnprocessableEntity).Errors[0].Location, "path") {
			t.Errorf("id %s: got %s, want a problem with the location path.id", id, reply.body)
		}
	}
}

func TestQuery(t *testing.T) {
	var limit int64
	var text string
	var given bool
	server, _ := serving(t, settings(), get(func(w http.ResponseWriter, r *http.Request) error {
		query := QueryOf(r)
		limit = query.Int("limit", 1, 100, 20)
		text, given = query.Text("name")
		if err := query.Err(); err != nil {
			return err
		}
		return ok(w, r)
	}))
	for _, test := range []struct {
		name, query string
		limit       int64
		text        string
		refused     string // locations of the refused parameters, "" for none
	}{
		{"no query", "", 20, "-", ""},
		{"a lone question mark", "?", 20, "-", ""},
		{"the lowest limit, with leading zeros", "?limit=001", 1, "-", ""},
		{"the highest limit", "?limit=100", 100, "-", ""},
		{"unknown parameters are ignored", "?x=1&x=2&Limit=500", 20, "-", ""},
		{"text", "?name=%C3%A9%20%25_+b", 20, "é %_ b", ""},
		{"empty text", "?name=", 20, "", ""},
		{"too low", "?limit=0", 0, "", "query.limit"},
		{"too high", "?limit=101", 0, "", "query.limit"},
		{"a plus sign", "?limit=%2B5", 0, "", "query.limit"},
		{"a trailing space", "?limit=5%20", 0, "", "query.limit"},
		{"a fraction", "?limit=5.0", 0, "", "query.limit"},
		{"an underscore", "?limit=1_0", 0, "", "query.limit"},
		{"Arabic digits", "?limit=%D9%A1", 0, "", "query.limit"},
		{"without a value", "?limit", 0, "", "query.limit"},
		{"beyond int64", "?limit=9223372036854775808", 0, "", "query.limit"},
		{"two parameters, both given twice", "?limit=5&limit=5&name=a&name=b", 0, "", "query.limit query.name"},
		{"NUL", "?name=%00", 0, "", "query.name"},
		{"invalid UTF-8 in an unknown parameter", "?x=%FF", 0, "", "query.x"},
		{"NUL in a name", "?a%00=1", 0, "", "query"},
		{"half an escape", "?name=%4", 0, "", "query"},
		{"a semicolon", "?limit=5;name=a", 0, "", "query"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, http.MethodGet, "/"+test.query, "")
			if test.refused == "" {
				if got.status != http.StatusOK || limit != test.limit || given && text != test.text || given != (test.text != "-") {
					t.Errorf("got limit %d and text %q with response %d %s, want limit %d and text %q", limit, text, got.status, got.body, test.limit, test.text)
				}
				return
			}
			var places []string
			problem := got.problem(t, http.StatusUnprocessableEntity)
			for _, place := range problem.Errors {
				places = append(places, place.Location)
			}
			detail := problem.Errors[0].String()
			if len(places) > 1 {
				detail += " (and 1 more)"
			}
			if strings.Join(places, " ") != test.refused || problem.Detail != detail {
				t.Errorf("refused %q with detail %q, want %s with %q", places, problem.Detail, test.refused, detail)
			}
		})
	}
}
