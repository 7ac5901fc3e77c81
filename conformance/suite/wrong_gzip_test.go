package suite

import (
	"net/url"
	"strings"
)

// wrongGzip returns servers that compress the list at a path incorrectly.
func wrongGzip(path string) []wrong {
	list := "GET " + path
	accept := func(change func(string) string) func(*exchange) {
		return at(list, func(e *exchange) {
			if changed := change(e.header.Get("Accept-Encoding")); changed != "" {
				e.header.Set("Accept-Encoding", changed)
				return
			}
			e.header.Del("Accept-Encoding")
		})
	}
	zipped := func(change func(*exchange)) func(*exchange) {
		return at(list, func(e *exchange) {
			if e.response.Get("Content-Encoding") == "gzip" {
				change(e)
			}
		})
	}
	return []wrong{
		{"list.gzip", "never", fault{before: accept(func(string) string { return "" })}},
		{"list.gzip", "for all clients", fault{before: accept(func(string) string { return "gzip" })}},
		{"list.gzip", "compressed for clients that refuse gzip", fault{before: accept(func(sent string) string { return strings.Replace(sent, "gzip;q=0", "gzip", 1) })}},
		{"list.gzip", "only if named first", fault{before: accept(func(sent string) string { return strings.TrimPrefix(sent, "br, gzip;q=0.5") })}},
		{"list.gzip", "compressed even if short", fault{after: at(list, func(e *exchange) {
			if e.body == "[]" {
				e.response.Set("Content-Encoding", "gzip")
			}
		})}},
		{"list.gzip", "no Vary", fault{after: at(list, dropHeader("Vary"))}},
		{"list.gzip", "without the trailer", fault{after: zipped(func(e *exchange) { e.body = e.body[:len(e.body)-8] })}},
		{"list.gzip", "with trailing data", fault{after: zipped(func(e *exchange) { e.body += e.body })}},
		{"list.gzip", "uncompressed but labelled as gzip", fault{before: accept(func(string) string { return "" }),
			after: at(list, setHeader("Content-Encoding", "gzip"))}},
		{"list.gzip", "another list", fault{before: at(list, func(e *exchange) {
			if e.header.Get("Accept-Encoding") == "gzip" {
				query(func(q url.Values) { q.Set("limit", "4") })(e)
			}
		})}},
	}
}
