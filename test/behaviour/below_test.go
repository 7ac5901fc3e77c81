package behaviour

import (
	"strings"
	"testing"

	"superheroes/test/system"
)

// testBelow sends what is no request of HTTP/1.1: the HTTP library refuses it before any handler.
func testBelow(t *testing.T, s *system.System) {
	const host = "Host: localhost\r\n"
	const postFight = "POST /api/fights HTTP/1.1\r\n" + host
	before := count(t, s)
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"no request line", "hello\r\n\r\n", 400},
		{"a blank in the path", "GET /api/heroes /1 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a malformed escape in the path", "GET /api/heroes/%zz HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an escape broken off", "GET /api/heroes/% HTTP/1.1\r\n" + host + "\r\n", 400},
		{"no Host", "GET /livez HTTP/1.1\r\n\r\n", 400},
		{"two Hosts", "GET /livez HTTP/1.1\r\n" + host + host + "\r\n", 400},
		{"no such version", "GET /livez HTTP/9.9\r\n" + host + "\r\n", 505},
		{"a header without a colon", "GET /livez HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", 400},
		{"NUL in a header", "GET /livez HTTP/1.1\r\n" + host + "X-A: a\x00b\r\n\r\n", 400},
		{"headers over 16 KiB", "GET /livez HTTP/1.1\r\n" + host + "X-A: " + strings.Repeat("a", 24<<10) + "\r\n\r\n", 431},
		{"a path over 16 KiB", "GET /api/heroes/" + strings.Repeat("1", 24<<10) + " HTTP/1.1\r\n" + host + "\r\n", 431},
		{"a length that is no number", postFight + "Content-Length: many\r\n\r\n", 400},
		{"a negative length", postFight + "Content-Length: -1\r\n\r\n", 400},
		{"two lengths", postFight + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
		{"an unknown transfer coding", postFight + "Transfer-Encoding: gzip\r\n\r\n", 501},
		{"a chunk without a size", postFight + inChunks + "\r\nxyz\r\n", 400},
		{"an expectation that nobody meets", postFight + "Expect: miracles\r\nContent-Length: 2\r\n\r\n{}", 417},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exchange(t, s.Fights, "GET", c.request); got.status != c.status {
				t.Errorf("got %d %s, want %d", got.status, got.body, c.status)
			}
		})
	}
	if after := count(t, s); after != before {
		t.Errorf("there were %d fights, there are %d", before, after)
	}
}
