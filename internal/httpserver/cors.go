package httpserver

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Origin is a web page's origin as browsers send it: scheme, host and, unless it is the scheme's default, port.
type Origin string

// UnmarshalText implements encoding.TextUnmarshaler. It rejects null and anything that a browser wouldn't send in an
// Origin header.
func (o *Origin) UnmarshalText(text []byte) error {
	origin, ok := parseOrigin(strings.TrimSpace(string(text)))
	if !ok {
		return fmt.Errorf("must be an origin such as https://heroes.example or http://localhost:3000, without a path, not %q", text)
	}
	*o = origin
	return nil
}

func parseOrigin(text string) (Origin, bool) {
	text = strings.ToLower(text)
	at, err := url.Parse(text)
	if err != nil || at.Scheme+"://"+at.Host != text {
		return "", false
	}
	host, port, usual := at.Hostname(), at.Port(), map[string]string{"http": "80", "https": "443"}[at.Scheme]
	if n, err := strconv.ParseUint(cmp.Or(port, usual), 10, 16); err != nil || n == 0 || usual == "" || strings.HasSuffix(at.Host, ":") {
		return "", false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.String()
	} else if !isHostName(host) {
		return "", false
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != usual {
		host += ":" + port
	}
	return Origin(at.Scheme + "://" + host), true
}

// The methods and headers that pages from trusted origins may send, and the additional response headers that these
// pages may read.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsSent    = "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID, " + RequestIDHeader + ", " + TimeoutHeader +
		", traceparent, tracestate, baggage"
	corsRead   = "Link, ETag, Location, Retry-After, Allow, WWW-Authenticate, " + RequestIDHeader
	corsMaxAge = "600" // how long a browser may cache a preflight response, in seconds
)

// cors lets pages from trusted origins read responses (https://fetch.spec.whatwg.org/#http-cors-protocol). It doesn't
// allow credentials such as cookies, because the services use none.
type cors struct{ trusted map[string]struct{} }

func newCORS(origins []Origin) cors {
	c := cors{map[string]struct{}{}}
	for _, origin := range origins {
		c.trusted[string(origin)] = struct{}{}
	}
	return c
}

// allow adds the headers that let the page read the response. Without trusted origins it adds no headers. It reports
// whether the request is a preflight, for which these headers are the whole response.
func (c cors) allow(header http.Header, r *http.Request) (preflight bool) {
	if len(c.trusted) == 0 {
		return false
	}
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if _, trusted := c.trusted[origin]; !trusted {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Expose-Headers", corsRead)
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// servePreflight tells the browser which methods and headers the page may send.
func servePreflight(w http.ResponseWriter, _ *http.Request) error {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", corsMethods)
	header.Set("Access-Control-Allow-Headers", corsSent)
	header.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
