package httpserver

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// thing has every kind of field that bodies have.
type thing struct {
	ID    int64  `json:"id"`
	Level int32  `json:"level"`
	Name  string `json:"name"`
	Part  *thing `json:"part"`
}

// posting starts a server whose only route decodes a thing.
func posting(t *testing.T) (*Server, *thing) {
	t.Helper()
	decoded := &thing{}
	server, _ := serving(t, settings(), route(http.MethodPost, "/", func(w http.ResponseWriter, r *http.Request) error {
		*decoded = thing{}
		if err := DecodeBody(r, decoded); err != nil {
			return err
		}
		return ok(w, r)
	}))
	return server, decoded
}

func TestBodyIsDecoded(t *testing.T) {
	tests := []struct {
		name, body string
		want       thing
	}{
		{"all fields", `{"id":9223372036854775807,"level":2147483647,"name":"Yoda","part":{"name":"x"}}`,
			thing{ID: 1<<63 - 1, Level: 1<<31 - 1, Name: "Yoda", Part: &thing{Name: "x"}}},
		{"nothing", `{}`, thing{}},
		{"null for each", `{"id":null,"level":null,"name":null,"part":null}`, thing{}},
		{"null alone", `null`, thing{}},
		{"unknown fields", `{"name":"Yoda","side":"light","a":{"b":[1,2,{}]}}`, thing{Name: "Yoda"}},
		{"case matters", `{"NAME":"Yoda","Name":"Yoda"}`, thing{}},
		{"blanks around", " \t\r\n{\"name\":\"Yoda\"} \n", thing{Name: "Yoda"}},
		{"escapes and emoji", `{"name":"\u00e9\ud83e\uddb8 🦸"}`, thing{Name: "é🦸 🦸"}},
		{"text as it was sent", `{"name":"  e\u0301  "}`, thing{Name: "  e\u0301  "}},
		{"brackets within a text", `{"name":"` + strings.Repeat(`[{\"`, 100) + `"}`, thing{Name: strings.Repeat(`[{"`, 100)}},
	}
	server, decoded := posting(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := ask(t, server, http.MethodPost, "/", test.body); got.status != http.StatusOK {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if diff := cmp.Diff(test.want, *decoded); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The rule: anything but one JSON value in UTF-8 without duplicate keys is a 400; values that don't fit are a 422.
func TestBodyIsRefused(t *testing.T) {
	const syntax, value = http.StatusBadRequest, http.StatusUnprocessableEntity
	tests := []struct {
		name, body string
		status     int
		place      string // prefix of the detail
	}{
		{"empty", "", syntax, "body"},
		{"blanks", " \n ", syntax, "body"},
		{"broken off", `{"name":"Yo`, syntax, "body"},
		{"broken off after a value", `{"part":{"level":1`, syntax, "body"},
		{"trailing data", `{} {}`, syntax, "body"},
		{"trailing text", `{}x`, syntax, "body"},
		{"a trailing comma", `{"name":"Yoda",}`, syntax, "body"},
		{"single quotes", `{'name':'Yoda'}`, syntax, "body"},
		{"a comment", `{/* */}`, syntax, "body"},
		{"a byte order mark", "\uFEFF{}", syntax, "body"},
		{"not JSON", "name=Yoda", syntax, "body"},
		{"NaN", `{"level":NaN}`, syntax, "body"},
		{"a leading zero", `{"level":01}`, syntax, "body"},
		{"a plus sign", `{"level":+1}`, syntax, "body"},
		{"a raw newline in a text", "{\"name\":\"a\nb\"}", syntax, "body"},
		{"a duplicate key", `{"name":"Yoda","name":"Yoda"}`, syntax, "body.name: is given more than once"},
		{"a duplicate key, once escaped", `{"name":"Yoda","n\u0061me":"Yoda"}`, syntax, "body.name: is given more than once"},
		{"a duplicate key within", `{"part":{"level":1,"level":1}}`, syntax, "body.part.level: is given more than once"},
		{"a duplicate unknown key", `{"x":1,"x":1}`, syntax, "body.x: is given more than once"},
		{"invalid UTF-8 in a value", "{\"name\":\"\xff\"}", syntax, "body"},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", syntax, "body"},
		{"overlong UTF-8", "{\"name\":\"\xc0\x80\"}", syntax, "body"},
		{"a surrogate in UTF-8", "{\"name\":\"\xed\xa0\x80\"}", syntax, "body"},
		{"a lone high surrogate", `{"name":"\ud83e"}`, syntax, "body"},
		{"a lone low surrogate", `{"name":"\uddb8"}`, syntax, "body"},
		{"surrogates the wrong way round", `{"name":"\uddb8\ud83e"}`, syntax, "body"},
		{"a bad escape", `{"name":"\x41"}`, syntax, "body"},
		{"UTF-16", "{\x00}\x00", syntax, "body"},
		{"broken off after a wrong value", `{"level":"1"`, syntax, "body"},
		{"trailing data after a wrong value", `{"level":"1"} x`, syntax, "body"},
		{"a duplicate key after a wrong value", `{"level":"1","x":1,"x":1}`, syntax, "body.x: is given more than once"},
		{"a byte 0", "{\"name\":\"\x00\"}", syntax, "body"},

		{"an array", `[]`, value, "body: must be an object"},
		{"a text", `"Yoda"`, value, "body: must be an object"},
		{"a number", `1`, value, "body: must be an object"},
		{"a name that is a number", `{"name":1}`, value, "body.name: must be a string"},
		{"a level that is a text", `{"level":"1"}`, value, "body.level: must be an integer"},
		{"a level that is true", `{"level":true}`, value, "body.level: must be an integer"},
		{"5.0", `{"level":5.0}`, value, "body.level: must be an integer"},
		{"1e2", `{"level":1e2}`, value, "body.level: must be an integer"},
		{"1e309", `{"level":1e309}`, value, "body.level: must be an integer"},
		{"a level beyond int32", `{"level":2147483648}`, value, "body.level: must be an integer from 0 to 2147483647"},
		{"id 0", `{"id":0}`, value, "body.id: must be an integer from 1 to"},
		{"id -1", `{"id":-1}`, value, "body.id: must be an integer from 1 to"},
		{"id 5.0", `{"id":5.0}`, value, "body.id: must be an integer"},
		{"id 1e309", `{"id":1e309}`, value, "body.id: must be an integer"},
		{"an id beyond int64", `{"id":9223372036854775808}`, value, "body.id: must be an integer"},
		{"an id that is a text", `{"id":"1"}`, value, "body.id: must be an integer"},
		{"a part that is an array", `{"part":[]}`, value, "body.part: must be an object"},
		{"a wrong value within", `{"part":{"part":{"name":[]}}}`, value, "body.part.part.name: must be a string"},
	}
	server, _ := posting(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problem := ask(t, server, http.MethodPost, "/", test.body).problem(t, test.status)
			if !strings.HasPrefix(problem.Detail, test.place) {
				t.Errorf("detail %q, want it to begin with %q", problem.Detail, test.place)
			}
		})
	}
}

func TestNesting(t *testing.T) {
	nested := func(depth int, open, end string) string {
		return strings.Repeat(open, depth) + strings.Repeat(end, depth)
	}
	tests := []struct {
		name, body string
		status     int
	}{
		{"32 objects", strings.Repeat(`{"part":`, 31) + "{}" + strings.Repeat("}", 31), http.StatusOK},
		{"33 objects", strings.Repeat(`{"part":`, 32) + "{}" + strings.Repeat("}", 32), http.StatusBadRequest},
		{"32 deep in an unknown field", `{"x":` + nested(31, "[", "]") + "}", http.StatusOK},
		{"33 deep in an unknown field", `{"x":` + nested(32, "[", "]") + "}", http.StatusBadRequest},
		{"many side by side", `{"x":[` + strings.Repeat("[],", 1000) + "[]]}", http.StatusOK},
		{"far too deep", nested(MaxBody/2, "[", "]"), http.StatusBadRequest},
		{"far too deep and open", strings.Repeat("[", MaxBody), http.StatusBadRequest},
	}
	server, _ := posting(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := ask(t, server, http.MethodPost, "/", test.body); got.status != test.status {
				t.Errorf("got %d %s, want %d", got.status, got.body, test.status)
			}
		})
	}
}

// lengthless hides the length of a body, so that it is sent in chunks.
type lengthless struct{ io.Reader }

func TestBodySize(t *testing.T) {
	sized := func(size int) string {
		const around = `{"name":""}`
		return `{"name":"` + strings.Repeat("x", size-len(around)) + `"}`
	}
	tests := []struct {
		name   string
		size   int
		status int
	}{
		{"64 KiB", MaxBody, http.StatusOK},
		{"64 KiB and 1", MaxBody + 1, http.StatusRequestEntityTooLarge},
		{"1 MiB", 1 << 20, http.StatusRequestEntityTooLarge},
	}
	server, _ := posting(t)
	for _, test := range tests {
		for _, chunked := range []bool{false, true} {
			name := test.name + ", with its length"
			if chunked {
				name = test.name + ", in chunks"
			}
			t.Run(name, func(t *testing.T) {
				var body io.Reader = strings.NewReader(sized(test.size))
				if chunked {
					body = lengthless{body}
				}
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr()+"/", body)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Expect", "100-continue") // so that the response isn't lost in a reset
				client := client()
				client.Transport.(*http.Transport).ExpectContinueTimeout = hang
				got := do(t, client, request)
				if got.status != test.status {
					t.Errorf("got %d %s, want %d", got.status, got.body, test.status)
				}
				if test.status != http.StatusOK {
					got.problem(t, test.status)
				}
			})
		}
	}
}

func TestContentType(t *testing.T) {
	tests := []struct {
		contentType string
		status      int
	}{
		{"", http.StatusOK},
		{"application/json", http.StatusOK},
		{"Application/JSON", http.StatusOK},
		{"application/json; charset=utf-8", http.StatusOK},
		{"application/json;charset=UTF-8", http.StatusOK},
		{`application/json; charset="utf-8"`, http.StatusOK},
		{"application/merge-patch+json", http.StatusOK},
		{"application/json; profile=x", http.StatusOK},
		{"application/json; charset=latin1", http.StatusUnsupportedMediaType},
		{"application/json; charset=", http.StatusUnsupportedMediaType},
		{"application/json; charset=utf-16", http.StatusUnsupportedMediaType},
		{"text/json", http.StatusUnsupportedMediaType},
		{"text/plain", http.StatusUnsupportedMediaType},
		{"application/x-www-form-urlencoded", http.StatusUnsupportedMediaType},
		{"application/jsonlines", http.StatusUnsupportedMediaType},
		{"json", http.StatusUnsupportedMediaType},
		{";", http.StatusUnsupportedMediaType},
	}
	server, _ := posting(t)
	for _, test := range tests {
		t.Run(test.contentType, func(t *testing.T) {
			got := ask(t, server, http.MethodPost, "/", "{}", "Content-Type", test.contentType)
			if got.status != test.status {
				t.Errorf("got %d %s, want %d", got.status, got.body, test.status)
			}
			if test.status != http.StatusOK {
				got.problem(t, test.status)
			}
		})
	}
}

func TestContentEncoding(t *testing.T) {
	server, _ := posting(t)
	for coding, status := range map[string]int{
		"": http.StatusOK, "identity": http.StatusOK, "gzip": http.StatusUnsupportedMediaType, "br": http.StatusUnsupportedMediaType,
	} {
		t.Run(coding, func(t *testing.T) {
			if got := ask(t, server, http.MethodPost, "/", "{}", "Content-Encoding", coding); got.status != status {
				t.Errorf("got %d %s, want %d", got.status, got.body, status)
			}
		})
	}
}

func TestBodyThatDoesNotArrive(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout = 100 * time.Millisecond
	server, _ := serving(t, cfg, route(http.MethodPost, "/", func(_ http.ResponseWriter, r *http.Request) error {
		return DecodeBody(r, &thing{})
	}))
	conn := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{")
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 408 ") || !strings.Contains(string(text), ProblemType) {
		t.Errorf("got %q, %v, want a 408 problem", text, err)
	}
}

// What can't become a good body is refused, though the client sends no more and waits.
func TestBodyIsRefusedEarly(t *testing.T) {
	server, _ := posting(t)
	for name, test := range map[string]struct{ request, want string }{
		"too long by what it says":     {"Content-Length: 10000000000\r\n\r\n{", "HTTP/1.1 413 "},
		"too long, and asks first":     {"Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 413 "},
		"a chunk without a size":       {"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 400 "},
		"no chunk but the last":        {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 "},
		"another type, and asks first": {"Content-Type: text/plain\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 415 "},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, server)
			send(t, conn, "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"+test.request)
			text, err := io.ReadAll(conn)
			if err != nil && !isReset(err) || !strings.HasPrefix(string(text), test.want) || !strings.Contains(string(text), ProblemType) {
				t.Errorf("got %q, %v, want %s and a problem", text, err, test.want)
			}
		})
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"level":2,"name":"Yoda","part":{"name":"\ud83e\uddb8"}}`, `{"name":"Yoda","name":""}`, `{"level":1e309}`,
		"{\"name\":\"\xff\"}", `{"id":-1}`, `[[[[[[[[`, `"\ud800"`, `null`, ``, strings.Repeat("[", 40), `{"part":{"x":{"\u0000":1,"\u0000":2}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var decoded thing
		err := DecodeJSON(text, &decoded)
		if err == nil {
			for part := &decoded; part != nil; part = part.Part {
				if part.ID < 0 || !utf8.ValidString(part.Name) {
					t.Errorf("%q was taken as %+v", text, *part)
				}
			}
			return
		}
		var problem *Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusBadRequest && problem.Status != http.StatusUnprocessableEntity {
			t.Fatalf("%q: got %v, want a 400 or 422", text, err)
		}
		if !utf8.ValidString(problem.Detail) || !strings.HasPrefix(problem.Detail, "body") {
			t.Errorf("%q: detail %q", text, problem.Detail)
		}
	})
}
