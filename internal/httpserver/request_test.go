package httpserver

import (
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestPathID(t *testing.T) {
	const refused = http.StatusUnprocessableEntity
	tests := []struct {
		name, id string // as in the path
		want     int64  // 0 if it is refused
	}{
		{"one", "1", 1},
		{"leading zeros", "007", 7},
		{"the largest", "9223372036854775807", math.MaxInt64},
		{"beyond int64", "9223372036854775808", 0},
		{"far beyond", strings.Repeat("9", 1000), 0},
		{"zero", "0", 0},
		{"negative", "-1", 0},
		{"a plus sign", "+1", 0},
		{"an encoded plus sign", "%2B1", 0},
		{"a fraction", "1.0", 0},
		{"an exponent", "1e3", 0},
		{"hexadecimal", "0x1", 0},
		{"an underscore", "1_000", 0},
		{"a blank before", "%201", 0},
		{"a blank behind", "1%20", 0},
		{"a newline", "1%0A", 0},
		{"letters", "abc", 0},
		{"Arabic digits", "%D9%A1", 0},
		{"fullwidth digits", "%EF%BC%91", 0},
		{"NUL", "1%00", 0},
		{"invalid UTF-8", "%FF", 0},
		{"a surrogate", "%ED%A0%80", 0},
		{"a slash", "1%2F2", 0},
		{"an encoded digit", "%31", 1},
	}
	var got int64
	server, _ := serving(t, settings(), route(http.MethodGet, "/{id}", func(w http.ResponseWriter, r *http.Request) (err error) {
		if got, err = PathID(r); err != nil {
			return err
		}
		return ok(w, r)
	}))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got = 0
			answer := ask(t, server, http.MethodGet, "/"+test.id, "")
			if test.want == 0 {
				if problem := answer.problem(t, refused); !strings.HasPrefix(problem.Errors[0].Location, "path") {
					t.Errorf("the place is %q, want path…", problem.Errors[0].Location)
				}
				return
			}
			if answer.status != http.StatusOK || got != test.want {
				t.Errorf("got %d, %d %s, want %d", got, answer.status, answer.body, test.want)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	tests := []struct {
		name, query string
		limit       int64
		text        string
		refused     string // the refused places, "" for none
	}{
		{"nothing", "", 20, "", ""},
		{"a lone question mark", "?", 20, "", ""},
		{"the lowest", "?limit=1", 1, "", ""},
		{"the highest", "?limit=100", 100, "", ""},
		{"leading zeros", "?limit=0010", 10, "", ""},
		{"others are not read", "?x=1&x=2&Limit=500", 20, "", ""},
		{"text", "?name=%C3%A9%20%25_", 20, "é %_", ""},
		{"text with a plus for a blank", "?name=a+b", 20, "a b", ""},
		{"empty text", "?name=", 20, "", ""},
		{"too low", "?limit=0", 0, "", "query.limit"},
		{"too high", "?limit=101", 0, "", "query.limit"},
		{"negative", "?limit=-1", 0, "", "query.limit"},
		{"a plus sign", "?limit=%2B5", 0, "", "query.limit"},
		{"a plus for a blank", "?limit=+5", 0, "", "query.limit"},
		{"a blank behind", "?limit=5%20", 0, "", "query.limit"},
		{"a newline", "?limit=5%0A", 0, "", "query.limit"},
		{"a fraction", "?limit=5.0", 0, "", "query.limit"},
		{"an exponent", "?limit=1e1", 0, "", "query.limit"},
		{"hexadecimal", "?limit=0x5", 0, "", "query.limit"},
		{"an underscore", "?limit=1_0", 0, "", "query.limit"},
		{"letters", "?limit=all", 0, "", "query.limit"},
		{"Arabic digits", "?limit=%D9%A1", 0, "", "query.limit"},
		{"empty", "?limit=", 0, "", "query.limit"},
		{"without a value", "?limit", 0, "", "query.limit"},
		{"huge", "?limit=" + strings.Repeat("9", 400), 0, "", "query.limit"},
		{"beyond int64", "?limit=9223372036854775808", 0, "", "query.limit"},
		{"twice", "?limit=5&limit=5", 0, "", "query.limit"},
		{"text twice", "?name=a&name=b", 0, "", "query.name"},
		{"several places", "?limit=0&name=a&name=b", 0, "", "query.limit query.name"},
		{"NUL", "?name=%00", 0, "", "query.name"},
		{"invalid UTF-8", "?name=%FF", 0, "", "query.name"},
		{"a surrogate", "?name=%ED%A0%80", 0, "", "query.name"},
		{"invalid UTF-8 that nobody reads", "?x=%FF", 0, "", "query.x"},
		{"invalid UTF-8 in a name", "?%FF=1", 0, "", "query"},
		{"NUL in a name", "?a%00=1", 0, "", "query"},
		{"half an escape", "?name=%4", 0, "", "query"},
		{"no escape", "?name=%zz", 0, "", "query"},
		{"a semicolon", "?limit=5;name=a", 0, "", "query"},
	}
	var limit int64
	var text string
	server, _ := serving(t, settings(), route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		query := QueryOf(r)
		limit = query.Int("limit", 1, 100, 20)
		text, _ = query.Text("name")
		if err := query.Err(); err != nil {
			return err
		}
		return ok(w, r)
	}))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, server, http.MethodGet, "/"+test.query, "")
			if test.refused == "" {
				if got.status != http.StatusOK || limit != test.limit || text != test.text {
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

func TestQueryTellsGivenFromMissing(t *testing.T) {
	query := QueryOf(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?name=", nil))
	if text, given := query.Text("name"); text != "" || !given {
		t.Errorf("got %q, %t", text, given)
	}
	if text, given := query.Text("other"); text != "" || given {
		t.Errorf("got %q, %t", text, given)
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
