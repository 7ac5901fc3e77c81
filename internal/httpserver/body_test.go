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

// thing has a field of every type that occurs in request bodies.
type thing struct {
	ID    int64  `json:"id"`
	Level int32  `json:"level"`
	Name  string `json:"name"`
	Part  *thing `json:"part"`
}

// posting starts a server whose only route decodes the request body into a thing.
func posting(t *testing.T) (*Server, *thing) {
	t.Helper()
	decoded := &thing{}
	cfg := settings()
	cfg.ReadTimeout = time.Second // short, for bodies that never arrive in full
	server, _ := serving(t, cfg, route(http.MethodPost, "/", func(w http.ResponseWriter, r *http.Request) error {
		*decoded = thing{}
		if err := DecodeBody(r, decoded); err != nil {
			return err
		}
		return ok(w, r)
	}))
	return server, decoded
}

func TestBodyIsDecoded(t *testing.T) {
	server, decoded := posting(t)
	for _, test := range []struct {
		name, body string
		want       thing
	}{
		{"all fields", `{"id":9223372036854775807,"level":2147483647,"name":"Yoda","part":{"name":"x"}}`,
			thing{ID: 1<<63 - 1, Level: 1<<31 - 1, Name: "Yoda", Part: &thing{Name: "x"}}},
		{"null for each", `{"id":null,"level":null,"name":null,"part":null}`, thing{}},
		{"null alone", `null`, thing{}},
		{"unknown fields; case matters", `{"name":"Yoda","NAME":"x","a":{"b":[1,2,{}]}}`, thing{Name: "Yoda"}},
		{"text is not normalized", " \t{\"name\":\" e\u0301\\ud83e\\uddb8 🦸 \"} \n", thing{Name: " e\u0301🦸 🦸 "}},
		{"brackets within a string", `{"name":"` + strings.Repeat(`[{\"`, 100) + `"}`, thing{Name: strings.Repeat(`[{"`, 100)}},
	} {
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

// Anything but a single JSON value in UTF-8 without duplicate keys gets a 400; values that don't fit the target get a
// 422.
func TestBodyIsRefused(t *testing.T) {
	const syntax, value = http.StatusBadRequest, http.StatusUnprocessableEntity
	deep := func(depth int, end string) string { return strings.Repeat("[", depth) + strings.Repeat(end, depth) }
	server, _ := posting(t)
	for _, test := range []struct {
		name, body string
		status     int
		place      string // prefix of the detail
	}{
		{"empty", "", syntax, "body"},
		{"truncated after a value", `{"part":{"level":1`, syntax, "body"},
		{"trailing data", `{} {}`, syntax, "body"},
		{"a trailing comma", `{"name":"Yoda",}`, syntax, "body"},
		{"a duplicate key, one of them escaped", `{"name":"Yoda","n\u0061me":"Yoda"}`, syntax, "body.name: is given more than once"},
		{"a duplicate key in a nested object", `{"part":{"level":1,"level":1}}`, syntax, "body.part.level: is given more than once"},
		{"a duplicate unknown key", `{"x":1,"x":1}`, syntax, "body.x: is given more than once"},
		{"invalid UTF-8 in a value", "{\"name\":\"\xff\"}", syntax, "body"},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", syntax, "body"},
		{"a lone surrogate", `{"name":"\ud83e"}`, syntax, "body"},
		{"truncated after a wrong value", `{"level":"1"`, syntax, "body"},
		{"trailing data after a wrong value", `{"level":"1"} x`, syntax, "body"},
		{"a duplicate key after a wrong value", `{"level":"1","x":1,"x":1}`, syntax, "body.x: is given more than once"},
		{"33 objects", strings.Repeat(`{"part":`, 32) + "{}" + strings.Repeat("}", 32), syntax, "body: is nested deeper"},
		{"nested 33 deep in an unknown field", `{"x":` + deep(32, "]") + "}", syntax, "body: is nested deeper"},
		{"nested far too deep and never closed", deep(MaxBody, ""), syntax, "body: is nested deeper"},
		{"nested 32 deep", `{"level":1.5,"x":` + deep(31, "]") + "}", value, "body.level"},
		{"many arrays side by side", `{"level":1.5,"x":[` + strings.Repeat("[],", 1000) + "[]]}", value, "body.level"},
		{"an array", `[]`, value, "body: must be an object"},
		{"a name that is a number", `{"name":1}`, value, "body.name: must be a string"},
		{"a level that is a string", `{"level":"1"}`, value, "body.level: must be an integer"},
		{"level 5.0", `{"level":5.0}`, value, "body.level: must be an integer"},
		{"a level beyond int32", `{"level":2147483648}`, value, "body.level: must be an integer from 0 to 2147483647"},
		{"id 0", `{"id":0}`, value, "body.id: must be an integer from 1 to"},
		{"id 5.0", `{"id":5.0}`, value, "body.id: must be an integer"},
		{"an id beyond int64", `{"id":9223372036854775808}`, value, "body.id: must be an integer"},
		{"an id that is a string", `{"id":"1"}`, value, "body.id: must be an integer"},
		{"a part that is an array", `{"part":[]}`, value, "body.part: must be an object"},
		{"a wrong value in an object", `{"part":{"part":{"name":[]}}}`, value, "body.part.part.name: must be a string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problem := ask(t, server, http.MethodPost, "/", test.body).problem(t, test.status)
			if !strings.HasPrefix(problem.Detail, test.place) {
				t.Errorf("got detail %q, want prefix %q", problem.Detail, test.place)
			}
		})
	}
}

// A body may be up to 64 KiB long, whether it is sent with a Content-Length or in chunks.
func TestBodySize(t *testing.T) {
	server, _ := posting(t)
	for size, status := range map[int]int{MaxBody: http.StatusOK, MaxBody + 1: http.StatusRequestEntityTooLarge} {
		const around = `{"name":""}`
		text := `{"name":"` + strings.Repeat("x", size-len(around)) + `"}`
		for name, body := range map[string]io.Reader{
			"with its length": strings.NewReader(text), "in chunks": io.MultiReader(strings.NewReader(text)),
		} {
			request := newRequest(t, server, http.MethodPost, "/", body, "Expect", "100-continue") // so that the response isn't lost in a connection reset
			client := client()
			client.Transport.(*http.Transport).ExpectContinueTimeout = hang
			got := do(t, client, request)
			if got.status != status {
				t.Errorf("body of %d bytes %s: got %d %s, want %d", size, name, got.status, got.body, status)
			}
			if status != http.StatusOK {
				got.problem(t, status)
			}
		}
	}
}

func TestContentType(t *testing.T) {
	const unsupported = http.StatusUnsupportedMediaType
	server, _ := posting(t)
	for _, test := range []struct {
		contentType, encoding string
		status                int
	}{
		{"", "", http.StatusOK},
		{"Application/JSON", "identity", http.StatusOK},
		{`application/json; charset="UTF-8"`, "", http.StatusOK},
		{"application/merge-patch+json; profile=x", "", http.StatusOK},
		{"application/json; charset=latin1", "", unsupported},
		{"application/json; charset=", "", unsupported},
		{"text/plain", "", unsupported},
		{"application/jsonlines", "", unsupported},
		{"json", "", unsupported},
		{";", "", unsupported},
		{"application/json", "gzip", unsupported},
	} {
		got := ask(t, server, http.MethodPost, "/", "{}", "Content-Type", test.contentType, "Content-Encoding", test.encoding)
		if got.status != test.status {
			t.Errorf("type %q, encoding %q: got %d %s, want %d", test.contentType, test.encoding, got.status, got.body,
				test.status)
		}
		if test.status != http.StatusOK {
			got.problem(t, test.status)
		}
	}
}

// A body that can't become valid is refused at once, even if the client never sends the rest.
func TestBodyIsRefusedEarly(t *testing.T) {
	t.Parallel() // waits for a timeout
	server, _ := posting(t)
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"Content-Length too large":              {"Content-Length: 10000000000\r\n\r\n{", 413},
		"Content-Length too large, with Expect": {"Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n", 413},
		"a chunk without a size":                {"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
		"unsupported type, with Expect":         {"Content-Type: text/plain\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 415},
		"body not complete in time":             {"Content-Length: 100\r\n\r\n{", 408},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, server)
			c.send(t, "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"+test.request)
			got, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			got.problem(t, test.status)
			c.rest(t)
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
					t.Errorf("parsed %q as %+v", text, *part)
				}
			}
			return
		}
		var problem *Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusBadRequest && problem.Status != http.StatusUnprocessableEntity {
			t.Fatalf("parsing %q: got error %v, want a 400 or 422", text, err)
		}
		if !utf8.ValidString(problem.Detail) || !strings.HasPrefix(problem.Detail, "body") {
			t.Errorf("%q: detail %q", text, problem.Detail)
		}
	})
}
