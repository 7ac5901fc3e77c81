package httpserver

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
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
	for id, want := range map[string]int64{ // 0 if it is refused
		"007": 7, "%31": 1, "9223372036854775807": math.MaxInt64, "9223372036854775808": 0, "0": 0, "-1": 0, "+1": 0, "1.0": 0, "1e3": 0,
		"0x1": 0, "1_000": 0, "1%20": 0, "%D9%A1": 0, "1%00": 0, "%FF": 0, "1%2F2": 0,
	} {
		got = 0
		reply := ask(t, server, http.MethodGet, "/"+id, "")
		if want != 0 && (reply.status != http.StatusOK || got != want) {
			t.Errorf("%s: got %d, %d %s, want %d", id, got, reply.status, reply.body, want)
		}
		if want == 0 && !strings.HasPrefix(reply.problem(t, http.StatusUnprocessableEntity).Errors[0].Location, "path") {
			t.Errorf("%s: got %s, want the location path…", id, reply.body)
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
		refused     string // the refused locations, "" for none
	}{
		{"nothing", "", 20, "-", ""},
		{"a lone question mark", "?", 20, "-", ""},
		{"the lowest, with leading zeros", "?limit=001", 1, "-", ""},
		{"the highest", "?limit=100", 100, "-", ""},
		{"others are not read", "?x=1&x=2&Limit=500", 20, "-", ""},
		{"text", "?name=%C3%A9%20%25_+b", 20, "é %_ b", ""},
		{"empty text", "?name=", 20, "", ""},
		{"too low", "?limit=0", 0, "", "query.limit"},
		{"too high", "?limit=101", 0, "", "query.limit"},
		{"a plus sign", "?limit=%2B5", 0, "", "query.limit"},
		{"a blank behind", "?limit=5%20", 0, "", "query.limit"},
		{"a fraction", "?limit=5.0", 0, "", "query.limit"},
		{"an underscore", "?limit=1_0", 0, "", "query.limit"},
		{"Arabic digits", "?limit=%D9%A1", 0, "", "query.limit"},
		{"without a value", "?limit", 0, "", "query.limit"},
		{"beyond int64", "?limit=9223372036854775808", 0, "", "query.limit"},
		{"several places", "?limit=5&limit=5&name=a&name=b", 0, "", "query.limit query.name"},
		{"NUL", "?name=%00", 0, "", "query.name"},
		{"invalid UTF-8 that nobody reads", "?x=%FF", 0, "", "query.x"},
		{"NUL in a name", "?a%00=1", 0, "", "query"},
		{"half an escape", "?name=%4", 0, "", "query"},
		{"a semicolon", "?limit=5;name=a", 0, "", "query"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, http.MethodGet, "/"+test.query, "")
			if test.refused == "" {
				if got.status != http.StatusOK || limit != test.limit || given && text != test.text || given != (test.text != "-") {
					t.Errorf("got limit %d, text %q, %d %s, want %d, %q", limit, text, got.status, got.body, test.limit, test.text)
				}
				return
			}
			var places []string
			for _, place := range got.problem(t, http.StatusUnprocessableEntity).Errors {
				places = append(places, place.Location)
			}
			if strings.Join(places, " ") != test.refused {
				t.Errorf("refused %q, want %s", places, test.refused)
			}
		})
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=5", "limit=0&name=%ff", "limit=99999999999999999999", "name=a&name=b", "%", ";", "limit=%2b1", "limit", "&&=&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		request := &http.Request{URL: &url.URL{Path: "/", RawQuery: raw}}
		if err := checkText(request); err != nil {
			wantInvalid(t, err)
			return
		}
		query := QueryOf(request)
		limit := query.Int("limit", 1, 100, 20)
		name, _ := query.Text("name")
		if err := query.Err(); err != nil {
			wantInvalid(t, err)
			return
		}
		if limit < 1 || limit > 100 || !plainText(name) {
			t.Errorf("%q gave limit %d and name %q", raw, limit, name)
		}
	})
}

func FuzzPathID(f *testing.F) {
	for _, seed := range []string{"1", "0", "-1", "+1", "007", "9223372036854775808", "1e3", "", " ", "\x00", "\u0661", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		request := &http.Request{}
		request.SetPathValue("id", text)
		id, err := PathID(request)
		if err != nil {
			wantInvalid(t, err)
			return
		}
		if canonical := strconv.FormatInt(id, 10); id < 1 || strings.TrimLeft(text, "0") != canonical {
			t.Errorf("%q gave %d", text, id)
		}
	})
}

// wantInvalid expects a 422 that lists places.
func wantInvalid(t *testing.T, err error) {
	t.Helper()
	var problem *Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusUnprocessableEntity || len(problem.Errors) == 0 || problem.Detail == "" {
		t.Errorf("got %v, want a 422 with its places", err)
	}
}
