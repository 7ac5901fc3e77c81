package suite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"superheroes/conformance/rawhttp"
)

// protocol checks the clauses about HTTP itself, which apply to every service.
type protocol struct {
	service string
	get     string // a target
}

func protocolClauses(service string, group Group, get string) []Clause {
	p := protocol{service, get}
	clauses := []Clause{
		{ID: "http2", Text: `“HTTP/1.1 and, on the same port, HTTP/2 with prior knowledge”, with the same responses`, hold: p.http2},
		{ID: "http2.streams", Text: `an HTTP/2 server announces “at most 100 streams a connection”`, hold: p.streams},
		{ID: "chunked", Text: `“a request with a Transfer-Encoding closes its connection”: what follows it is not treated as a request`, hold: p.chunked},
		{ID: "nosniff", Text: `“Every response has X-Content-Type-Options: nosniff”`, hold: p.nosniff},
	}
	if service == "fights" {
		clauses = append(clauses, Clause{ID: "chunked.stored", Text: `a fight request that follows a chunked request is not executed: “a request with a Transfer-Encoding closes its connection”`, hold: chunkedFight})
	}
	return serviceClauses(service, group, clauses)
}

// http2 requires the same responses over HTTP/1.1 and HTTP/2, except for bodies that change between two requests
// anyway.
func (p protocol) http2(c *check) {
	for _, target := range []string{p.get, "/livez", "/openapi.json", "/no-such-page.html", "/api/" + p.service + "?limit=x&after=x&a=%00"} {
		first := c.do(p.service, rawhttp.Call{Target: target})
		second, err := c.clients[p.service].HTTP2(c.ctx, target)
		if err != nil {
			c.fail("GET "+target+" over HTTP/2", err.Error(), "a response")
		}
		again := c.do(p.service, rawhttp.Call{Target: target})
		same := second.Status == first.Status && second.Header.Get("Content-Type") == first.Header.Get("Content-Type")
		same = same && (bytes.Equal(second.Body, first.Body) || !bytes.Equal(first.Body, again.Body)) // changed by other clients
		c.require(same, second, "the response over HTTP/1.1: %s", first)
	}
}

const (
	// http2Opening is the HTTP/2 client preface followed by an empty SETTINGS frame.
	http2Opening     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	http2FrameHeader = 9
	settingsFrame    = 4
	mostStreams      = 3 // identifier of SETTINGS_MAX_CONCURRENT_STREAMS
	promisedStreams  = 100
)

func (p protocol) streams(c *check) {
	got, err := c.clients[p.service].Raw(c.ctx, http2Opening, func(got []byte) bool { _, whole := streamsOf(got); return whole })
	most, whole := streamsOf(got)
	if err != nil || !whole || most > promisedStreams {
		c.fail("the beginning of an HTTP/2 connection", fmt.Sprintf("%.100q, %v: %d streams", got, err, most),
			fmt.Sprintf("at most %d streams", promisedStreams))
	}
}

// streamsOf returns the stream limit that an HTTP/2 server announces in its first frame, a SETTINGS frame. whole is
// false while the SETTINGS frame is incomplete.
func streamsOf(got []byte) (most uint32, whole bool) {
	if len(got) < http2FrameHeader {
		return 0, false
	}
	length := int(binary.BigEndian.Uint32(got) >> 8)
	if got[3] != settingsFrame || len(got) < http2FrameHeader+length {
		return 0, false
	}
	most = math.MaxUint32
	for settings := got[http2FrameHeader:][:length]; len(settings) >= 6; settings = settings[6:] {
		if binary.BigEndian.Uint16(settings) == mostStreams {
			most = binary.BigEndian.Uint32(settings[2:])
		}
	}
	return most, true
}

// behindChunks returns a request with a chunked body followed by a second request. The Content-Length of the first
// request must be ignored because of its Transfer-Encoding.
func (p protocol) behindChunks(c *check, first, body, second string) string {
	host := "Host: " + c.clients[p.service].Host() + "\r\n"
	chunks := "0\r\n\r\n"
	if body != "" {
		chunks = strconv.FormatInt(int64(len(body)), 16) + "\r\n" + body + "\r\n" + chunks
	}
	return first + " HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
		strings.Replace(second, "\r\n", "\r\n"+host, 1)
}

// alone requires that only the first of two requests on a connection gets a response, after which the connection is
// closed.
func (p protocol) alone(c *check, sent string) {
	got, err := c.clients[p.service].Raw(c.ctx, sent, func(got []byte) bool { return bytes.Count(got, []byte("HTTP/1.1 ")) > 1 })
	if answers := bytes.Count(got, []byte("HTTP/1.1 ")); err != nil || answers != 1 {
		c.fail(strconv.Quote(sent), fmt.Sprintf("%d responses, %v: %.500q", answers, err, got), "one response, then the connection closed")
	}
	if header, _, _ := strings.Cut(strings.ToLower(string(got)), "\r\n\r\n"); !strings.Contains(header+"\r\n", "\r\nconnection: close\r\n") {
		c.fail(strconv.Quote(sent), fmt.Sprintf("%.500q", got), "a response with Connection: close")
	}
}

func (p protocol) chunked(c *check) {
	const second = "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"
	for _, first := range []string{"GET " + p.get, "GET /livez", "POST /livez", "GET /no-such-page.html"} {
		p.alone(c, p.behindChunks(c, first, "", second))
		p.alone(c, p.behindChunks(c, first, "{}", second))
	}
}

// chunkedFight uses a unique fighter name, so that it would recognize the smuggled fight among other clients' fights.
func chunkedFight(c *check) {
	p := protocol{service: "fights"}
	name := "smuggled " + strconv.FormatInt(time.Now().UnixNano(), 36)
	fight := encode(object{"hero": object{"name": name}, "villain": object{"name": "V"}})
	second := "POST /api/fights HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(fight)) + "\r\n\r\n" + fight
	p.alone(c, p.behindChunks(c, "POST /api/fights", plainFight, second))
	list := c.get("fights", "/api/fights?limit=100")
	c.require(!strings.Contains(string(list.Body), name), list, "no fight with %q", name)
}

// nosniff requires the header X-Content-Type-Options: nosniff in one response
// of each kind.
func (p protocol) nosniff(c *check) {
	for _, call := range []rawhttp.Call{
		{Target: p.get}, {Target: "/livez"}, {Target: "/readyz"}, {Target: "/healthz"}, {Target: "/docs"}, {Target: "/redoc"}, {Target: "/openapi.json"},
		{Target: "/openapi.yaml"}, {Target: "/no-such-page.html"}, {Target: p.get + "?a=%00"}, {Method: http.MethodDelete, Target: "/livez"},
	} {
		a := c.do(p.service, call)
		got := strings.Join(a.Header.Values("X-Content-Type-Options"), ", ")
		c.require(got == "nosniff", a, "X-Content-Type-Options: nosniff, not %q", got)
	}
}
