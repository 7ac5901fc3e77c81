package httpserver

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// RequestIDHeader carries the id under which the client, the service and its peers log a request.
	RequestIDHeader = "X-Request-Id"
	// TimeoutHeader carries how much longer the caller will wait, in whole milliseconds. The header can shorten the
	// service's own deadline, but not extend it.
	TimeoutHeader = "X-Request-Timeout-Ms"
	// AgeHeader carries the age of the oldest random pick in a batch at the time of the response, in whole
	// milliseconds, rounded up. HTTP's own Age header counts whole seconds, which is too coarse for a limit of one
	// second.
	AgeHeader = "X-Age-Ms"
)

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return ""
}

// requestIDOf returns the client's id if it is valid (1-128 visible ASCII characters), or a new one.
func requestIDOf(header http.Header) string {
	id := header.Get(RequestIDHeader)
	if id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return id
	}
	var text [26]byte
	made := strconv.AppendUint(text[:0], rand.Uint64(), 36)
	return string(strconv.AppendUint(made, rand.Uint64(), 36))
}

// timeoutOf returns the caller's timeout if it is shorter than the service's own. It returns 0 for a caller with no
// time left, and ignores a malformed value.
func timeoutOf(header http.Header, own time.Duration) time.Duration {
	text := header.Get(TimeoutHeader)
	if text == "" {
		return own
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms >= own.Milliseconds() {
		return own
	}
	return time.Duration(max(ms, 0)) * time.Millisecond
}

// SetTimeout tells a peer how much longer the caller will wait. It rounds up, so that the peer doesn't give up before
// the caller does.
func SetTimeout(header http.Header, deadline time.Time) {
	left := max(time.Until(deadline), 1)
	header.Set(TimeoutHeader, strconv.FormatInt(int64((left+time.Millisecond-1)/time.Millisecond), 10))
}

// checkText refuses a request whose path or query isn't valid UTF-8 or contains a NUL, whatever its route.
func checkText(r *http.Request) error {
	if !plainText(r.URL.Path) {
		return Invalid(Place{"path", "is not valid UTF-8 or contains a NUL"})
	}
	if r.URL.RawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Invalid(Place{"query", "has a malformed escape or separator"})
	}
	for name, all := range values {
		if !plainText(name) {
			return Invalid(Place{"query", "a parameter's name is not valid UTF-8 or contains a NUL"})
		}
		for _, value := range all {
			if !plainText(value) {
				return Invalid(Place{"query." + name, "is not valid UTF-8 or contains a NUL"})
			}
		}
	}
	return nil
}

func plainText(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// PathID parses the {id} in the path: a plain decimal integer from 1 to 2^63-1.
func PathID(r *http.Request) (int64, error) {
	id, ok := parseDecimal(r.PathValue("id"))
	if !ok || id < 1 {
		return 0, Invalid(Place{"path.id", "must be a plain decimal integer from 1 to 9223372036854775807"})
	}
	return id, nil
}

// parseDecimal accepts ASCII digits only: no sign, space, point, exponent or underscore.
func parseDecimal(text string) (int64, bool) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Query reads the query parameters that a route declares, and collects the invalid ones.
type Query struct {
	values url.Values
	wrong  []Place
}

// QueryOf returns the request's query.
func QueryOf(r *http.Request) *Query {
	if r.URL.RawQuery == "" {
		return &Query{}
	}
	return &Query{values: r.URL.Query()}
}

// Text returns the parameter's value, and whether the request has the parameter.
func (q *Query) Text(name string) (string, bool) {
	all := q.values[name]
	switch len(all) {
	case 0:
		return "", false
	case 1:
		return all[0], true
	}
	q.Refuse(name, "is given more than once")
	return "", false
}

// Int returns the parameter's value, which must be from low to high, or missing if the request doesn't have the
// parameter.
func (q *Query) Int(name string, low, high, missing int64) int64 {
	text, given := q.Text(name)
	if !given {
		return missing
	}
	n, ok := parseDecimal(text)
	if !ok || n < low || n > high {
		q.Refuse(name, "must be a plain decimal integer from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10))
		return missing
	}
	return n
}

// Refuse records that the parameter is invalid.
func (q *Query) Refuse(name, message string) {
	q.wrong = append(q.wrong, Place{"query." + name, message})
}

// Err returns nil, or the problem that lists every refused parameter.
func (q *Query) Err() error {
	if len(q.wrong) == 0 {
		return nil
	}
	return Invalid(q.wrong...)
}
