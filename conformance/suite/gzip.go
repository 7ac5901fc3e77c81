package suite

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"

	"superheroes/conformance/rawhttp"
)

const (
	gzipText = `“Lists above 1 KiB are compressed for those who accept gzip”, and for no other clients`
	// longList is the length in bytes above which a list is compressed.
	longList = 1 << 10
	// noEntries is a query that selects no entries, because it starts after the largest possible id.
	noEntries = "?after=9223372036854775807"
)

func gzipClauses(r room) []Clause {
	return []Clause{{ID: "list.gzip", Text: gzipText, hold: func(c *check) {
		c.compressed(r.service, r.path(), r.path()+noEntries)
	}}}
}

func fightGzipClauses() []Clause {
	return []Clause{{ID: "list.gzip", Text: gzipText, hold: func(c *check) {
		for range 5 {
			c.fight(plainFight)
		}
		older := "/api/fights?limit=100&before=" + c.fight(plainFight).id() // other clients' new fights don't change this page
		c.compressed("fights", older, "/api/fights?before=00000000-0000-0000-0000-000000000000")
	}}}
}

// compressed requires that a long list is compressed for clients that accept gzip, and that a short list never is.
func (c *check) compressed(service, long, short string) {
	plain := c.get(service, long)
	c.plain(plain)
	if len(plain.Body) <= longList {
		c.skip("the list is not longer than 1 KiB")
	}
	for _, accepted := range []string{"gzip", "br, gzip;q=0.5", "*", "identity;q=0, gzip"} {
		a := c.zipped(service, long, accepted)
		text, err := unzip(a.Body)
		c.require(err == nil, a, "one complete gzip stream (%v)", err)
		c.require(bytes.Equal(text, plain.Body), a, "the same list as without compression: %s", plain)
	}
	for _, refused := range []string{"gzip;q=0", "*;q=0", "identity", "br"} {
		c.plain(c.accepting(service, long, refused))
	}
	c.plain(c.accepting(service, short, "gzip"))
}

// plain requires an uncompressed response. An uncompressed response needs a Vary header too, since it depends on
// Accept-Encoding.
func (c *check) plain(a rawhttp.Answer) {
	c.require(a.Header.Get("Content-Encoding") == "", a, "no Content-Encoding, not %q", a.Header.Get("Content-Encoding"))
	c.require(a.Header.Get("Vary") != "", a, "Vary: Accept-Encoding")
}

// zipped requests a target until the response is compressed. zipped tries several times, because a busy member may
// occasionally skip compression.
func (c *check) zipped(service, target, accepted string) rawhttp.Answer {
	for attempt := 1; ; attempt++ {
		a := c.accepting(service, target, accepted)
		if a.Header.Get("Content-Encoding") == "gzip" || attempt == attempts {
			c.require(a.Header.Get("Content-Encoding") == "gzip", a, "Content-Encoding: gzip, not %q", a.Header.Get("Content-Encoding"))
			c.require(a.Header.Get("Vary") != "", a, "Vary: Accept-Encoding")
			return a
		}
	}
}

func (c *check) accepting(service, target, coding string) rawhttp.Answer {
	a := c.status(http.StatusOK, c.unseen(service, rawhttp.Call{Target: target, Header: "Accept-Encoding: " + coding + "\r\n"}))
	return a
}

// unzip decompresses a gzip stream; trailing data is an error.
func unzip(zipped []byte) ([]byte, error) {
	rest := bytes.NewReader(zipped)
	reader, err := gzip.NewReader(rest)
	if err != nil {
		return nil, err
	}
	reader.Multistream(false)
	text, err := io.ReadAll(reader)
	if err == nil && rest.Len() > 0 {
		err = errors.New("trailing data")
	}
	return text, err
}
