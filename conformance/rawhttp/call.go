// Package rawhttp sends requests exactly as given and returns the responses. The client is deliberately bare: it
// corrects nothing, follows no redirects and never retries.
package rawhttp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Call is one request.
type Call struct {
	Method string // GET when empty
	Target string // path and query, exactly as in the request line
	Host   string // if empty, the host of the base URL is sent
	Header string // additional header lines, each terminated by \r\n
	Body   string // sent with a Content-Length
}

// bytes returns the request as sent over the wire.
func (c Call) bytes(host string) string {
	if c.Host != "" {
		host = c.Host
	}
	header := "Host: " + host + "\r\nConnection: close\r\nUser-Agent: superheroes-contract\r\n" + c.Header
	if c.Body != "" || c.method() == http.MethodPost {
		header += "Content-Length: " + strconv.Itoa(len(c.Body)) + "\r\n"
	}
	return c.method() + " " + c.Target + " HTTP/1.1\r\n" + header + "\r\n" + c.Body
}

func (c Call) method() string {
	if c.Method == "" {
		return http.MethodGet
	}
	return c.Method
}

// String describes the request in one line.
func (c Call) String() string {
	line := c.method() + " " + excerpt(c.Target, shortExcerpt)
	if c.Host != "" {
		line += " [Host: " + excerpt(c.Host, shortExcerpt) + "]"
	}
	if c.Header != "" {
		line += " [" + excerpt(strings.ReplaceAll(strings.TrimSuffix(c.Header, "\r\n"), "\r\n", "; "), shortExcerpt) + "]"
	}
	if c.Body != "" {
		line += " " + excerpt(c.Body, longExcerpt)
	}
	return line
}

// Answer is the response to a call.
type Answer struct {
	Call   Call
	Status int
	Header http.Header
	Body   []byte
}

// String describes the response in one line.
func (a Answer) String() string {
	line := strconv.Itoa(a.Status)
	if kind := a.Header.Get("Content-Type"); kind != "" {
		line += " " + excerpt(kind, shortExcerpt)
	}
	if len(a.Body) == 0 {
		return line + ", no body"
	}
	return line + " " + excerpt(string(a.Body), longExcerpt)
}

// Maximum lengths, in bytes, of the excerpts in a description.
const (
	shortExcerpt = 100
	longExcerpt  = 400
)

// excerpt returns the start of a string as a single line of valid UTF-8.
func excerpt(text string, most int) string {
	tail := ""
	if len(text) > most {
		end := most
		for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text, tail = text[:end], fmt.Sprintf("… (%d bytes)", len(text))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		quoted := strconv.Quote(text)
		text = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	}
	return text + tail
}
