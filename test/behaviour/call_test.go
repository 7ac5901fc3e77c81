// Package behaviour tests what a client of the system sees, row by row of the contract, over real sockets against
// both ways to run it.
package behaviour

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// call is a request as its bytes go over the wire: no client corrects it on the way.
type call struct {
	method string // GET when empty
	target string // path and query, as it stands in the request line
	header string // further lines, each ended by \r\n
	body   string // sent with a Content-Length unless the header has a framing of its own
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// patience bounds one exchange on a busy machine.
const patience = 3 * time.Minute

// do sends a request to the service at base, on a connection of its own.
func do(t *testing.T, base string, c call) answer {
	t.Helper()
	if c.method == "" {
		c.method = http.MethodGet
	}
	return exchange(t, base, c.method, c.wire())
}

// exchange sends a request's bytes and returns the answer.
func exchange(t *testing.T, base, method, request string) answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(base, "http://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	// The server may answer and stop reading before it has all of it; what it answers is what counts.
	go func() { _, _ = io.WriteString(conn, request) }()
	received, err := receive(bufio.NewReader(conn), method)
	if err != nil {
		t.Fatalf("%.200q: %v", request, err)
	}
	return received
}

func (c call) wire() string {
	header := "Host: localhost\r\nConnection: close\r\n" + c.header
	framed := strings.Contains(c.header, "Content-Length:") || strings.Contains(c.header, "Transfer-Encoding:")
	if !framed && c.method != http.MethodGet && c.method != http.MethodHead {
		header += "Content-Length: " + strconv.Itoa(len(c.body)) + "\r\n"
	}
	return c.method + " " + c.target + " HTTP/1.1\r\n" + header + "\r\n" + c.body
}

// receive reads an answer, behind those that only say that it will come.
func receive(reader *bufio.Reader, method string) (answer, error) {
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			return answer{}, err
		}
		if response.StatusCode < http.StatusOK {
			continue
		}
		body, err := io.ReadAll(response.Body)
		if errors.Is(err, syscall.ECONNRESET) && response.ContentLength < 0 {
			err = nil // the answer ends with its connection, which the server resets when it has not read everything
		}
		return answer{response.StatusCode, response.Header, string(body)}, errors.Join(err, response.Body.Close())
	}
}

// get asks for a target and fails the test unless the answer is 200.
func get(t *testing.T, base, target string) answer {
	t.Helper()
	received := do(t, base, call{target: target})
	if received.status != http.StatusOK {
		t.Fatalf("GET %s: got %d %s", target, received.status, received.body)
	}
	return received
}

// read decodes a JSON text into a T whose fields must be exactly those of the text.
func read[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("reading %.300s: %v", text, err)
	}
	return value
}

// elements returns the texts of a JSON array's elements.
func elements(t *testing.T, text string) []string {
	t.Helper()
	var list []string
	for _, element := range read[[]json.RawMessage](t, text) {
		list = append(list, string(element))
	}
	return list
}

// fields returns the names in a JSON object, in order.
func fields(t *testing.T, object string) []string {
	t.Helper()
	decoder, names := json.NewDecoder(strings.NewReader(object)), []string{}
	if _, err := decoder.Token(); err != nil { // the brace
		t.Fatalf("reading %.300s: %v", object, err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatalf("reading %.300s: %v", object, err)
		}
		names = append(names, name.(string))
		if err := decoder.Decode(new(json.RawMessage)); err != nil {
			t.Fatalf("reading %.300s: %v", object, err)
		}
	}
	return names
}
