package suite

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
	"superheroes/test/system"
)

// fault describes how a proxy changes requests and responses, so that the good member behind the proxy appears faulty.
type fault struct {
	before  func(*exchange) // changes the request, or sets a response so that the request is not forwarded
	after   func(*exchange) // changes the response
	headers int             // maximum accepted header size in bytes; 0 means the maximum in the contract
	http1   bool            // speaks no HTTP/2
	streams int             // maximum number of streams per HTTP/2 connection; 0 means the maximum in the contract
	keeps   bool            // keeps the connection open after a chunked request
}

// exchange is a request to the good member, and its response.
type exchange struct {
	method, target string // path and query, escaped as sent
	host           string
	header         http.Header
	sent           string
	http2          bool

	status   int // 0 if there is no response yet
	response http.Header
	body     string
}

func (e *exchange) path() string {
	path, _, _ := strings.Cut(e.target, "?")
	return path
}

// answer sets a JSON response.
func (e *exchange) answer(status int, body string) {
	e.status, e.body, e.response = status, body, http.Header{"Content-Type": {"application/json"}}
}

// at limits a change to requests with the given method and path; * in the path matches one segment. A pattern with a
// trailing question mark matches only requests without a query.
func at(pattern string, change func(*exchange)) func(*exchange) {
	whole := strings.HasSuffix(pattern, "?")
	pattern = strings.TrimSuffix(pattern, "?")
	return func(e *exchange) {
		matches, err := path.Match(pattern, e.method+" "+e.path())
		if err != nil {
			panic(err)
		}
		if matches && (!whole || !strings.Contains(e.target, "?")) {
			change(e)
		}
	}
}

// inTurn applies several changes in order.
func inTurn(changes ...func(*exchange)) func(*exchange) {
	return func(e *exchange) {
		for _, change := range changes {
			change(e)
		}
	}
}

// spoil starts a proxy with the given fault in front of each service, and returns the proxies' addresses.
func spoil(t *testing.T, good *system.System, f fault) Target {
	t.Helper()
	var one sync.Mutex // faults have state
	start := func(base string) string { return f.start(t, base, &one) }
	return Target{Heroes: start(good.Heroes), Villains: start(good.Villains), Locations: start(good.Locations), Fights: start(good.Fights)}
}

// start starts a proxy in front of the service at base.
func (f fault) start(t *testing.T, base string, one *sync.Mutex) string {
	t.Helper()
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.pass(t, w, r, base, one)
	}))
	proxy.Config.MaxHeaderBytes = f.headers
	if f.headers == 0 {
		proxy.Config.MaxHeaderBytes = 16 << 10
	}
	proxy.Config.Protocols = new(http.Protocols)
	proxy.Config.Protocols.SetHTTP1(true)
	proxy.Config.Protocols.SetUnencryptedHTTP2(!f.http1)
	proxy.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: cmp.Or(f.streams, promisedStreams)}
	proxy.Start()
	t.Cleanup(proxy.Close)
	return proxy.URL
}

func (f fault) pass(t *testing.T, w http.ResponseWriter, r *http.Request, base string, one *sync.Mutex) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	e := &exchange{method: r.Method, target: r.RequestURI, host: r.Host, header: r.Header, sent: string(sent), http2: r.ProtoMajor == 2}
	if len(r.TransferEncoding) > 0 && !f.keeps {
		w.Header().Set("Connection", "close")
	}
	change := func(change func(*exchange)) {
		one.Lock()
		defer one.Unlock()
		if change != nil {
			change(e)
		}
	}
	change(f.before)
	if e.status == 0 {
		e.forward(t, base)
	}
	change(f.after)
	e.response.Del("Connection") // the proxy sets its own Connection header
	for name, values := range e.response {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.Header().Del("Transfer-Encoding")
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.body) // a write fails only if the suite has closed the connection
}

// forward sends the request to the good member and stores its response.
func (e *exchange) forward(t *testing.T, base string) {
	client, err := rawhttp.NewClient(base, patience, unlimited())
	if err != nil {
		t.Error(err)
		return
	}
	var lines strings.Builder
	for _, name := range []string{"Connection", "Content-Length", "User-Agent"} {
		e.header.Del(name)
	}
	if err := e.header.Write(&lines); err != nil {
		t.Error(err)
	}
	a, err := client.Do(t.Context(), rawhttp.Call{Method: e.method, Target: e.target, Host: e.host, Header: lines.String(), Body: e.sent})
	if err != nil {
		if t.Context().Err() == nil { // an error matters only while the test is running
			t.Error(err)
		}
		e.answer(http.StatusBadGateway, "{}")
		return
	}
	e.status, e.response, e.body = a.Status, a.Header.Clone(), string(a.Body)
}

func unlimited() *atomic.Int64 {
	left := new(atomic.Int64)
	left.Store(math.MaxInt64)
	return left
}

// Changes that make a good server violate a clause.

func turn(from, to int) func(*exchange) {
	return func(e *exchange) {
		if e.status == from {
			e.status = to
		}
	}
}

func replace(old, other string) func(*exchange) {
	return func(e *exchange) { e.body = strings.ReplaceAll(e.body, old, other) }
}

func replaceSent(old, other string) func(*exchange) {
	return func(e *exchange) { e.sent = strings.ReplaceAll(e.sent, old, other) }
}

// query changes the query parameters of the request.
func query(change func(url.Values)) func(*exchange) {
	return func(e *exchange) {
		_, query, _ := strings.Cut(e.target, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		change(values)
		e.target = e.path()
		if len(values) > 0 {
			e.target += "?" + values.Encode()
		}
	}
}

// without removes a query parameter from the request.
func without(parameter string) func(*exchange) {
	return query(func(q url.Values) { q.Del(parameter) })
}

// retarget replaces a substring of the request target.
func retarget(old, other string) func(*exchange) {
	return func(e *exchange) { e.target = strings.ReplaceAll(e.target, old, other) }
}

// whereTarget limits a change to requests whose target contains part.
func whereTarget(part string, change func(*exchange)) func(*exchange) {
	return func(e *exchange) {
		if strings.Contains(e.target, part) {
			change(e)
		}
	}
}

func dropHeader(name string) func(*exchange) {
	return func(e *exchange) { e.response.Del(name) }
}

func setHeader(name, value string) func(*exchange) {
	return func(e *exchange) { e.response.Set(name, value) }
}

// inObject changes the JSON object in a 200 response.
func inObject(change func(object)) func(*exchange) {
	return inJSON(func(value any) any {
		if o, is := value.(object); is {
			change(o)
		}
		return value
	})
}

// inEach changes each object in the JSON array of a 200 response.
func inEach(change func(i int, o object)) func(*exchange) {
	return inList(func(list []any) []any {
		for i, o := range list {
			change(i, o.(object))
		}
		return list
	})
}

func inList(change func([]any) []any) func(*exchange) {
	return inJSON(func(value any) any {
		if list, is := value.([]any); is {
			return change(list)
		}
		return value
	})
}

func inJSON(change func(any) any) func(*exchange) {
	return func(e *exchange) {
		var value any
		if e.status != http.StatusOK || openapi.Decode([]byte(e.body), &value) != nil {
			return
		}
		e.body = encode(change(value))
	}
}

// rename renames a field at every level of the response.
func rename(old, other string) func(*exchange) { return replace(`"`+old+`":`, `"`+other+`":`) }

func drop(field string) func(*exchange) {
	return inObject(func(o object) { delete(o, field) })
}

func set(field string, value any) func(*exchange) {
	return inObject(func(o object) { o[field] = value })
}

// everyOther replaces every second response with the first response.
func everyOther() func(*exchange) {
	asked, first := 0, ""
	return func(e *exchange) {
		if asked++; asked == 1 {
			first = e.body
		}
		if asked%2 == 0 {
			e.body = first
		}
	}
}

// normalised decodes the request body leniently and encodes it again, which hides faults such as duplicate keys.
func normalised(e *exchange) {
	var value any
	if json.Unmarshal([]byte(e.sent), &value) == nil {
		e.sent = encode(value)
	}
}
