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
	// RequestIDHeader carries the id under which a request is logged, from the client to the last peer.
	RequestIDHeader = "X-Request-Id"
	// TimeoutHeader carries the time a caller will still wait, in whole milliseconds. The service's own deadline is the most that
	// anybody gets.
	TimeoutHeader = "X-Request-Timeout-Ms"
	// AgeHeader says how old the oldest pick of a batch was when it was made, in whole milliseconds, rounded up. HTTP's own
	// Age counts seconds, which is as much as a pick may have.
	AgeHeader = "X-Age-Ms"
)

// requestInfo is what a request's context carries.
type requestInfo struct {
	id           string
	timeout      time.Duration   // of the request, or of each step of a stream
	writeTimeout time.Duration   // of each step of a stream
	parent       context.Context // the request's, without its deadline
	kind         Kind
	limit        limiter // of the request's kind, while it is counted there
	paused       bool    // its write time-out doesn't run
}

type requestInfoKey struct{}

func infoOf(ctx context.Context) *requestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(*requestInfo)
	return info
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if info := infoOf(ctx); info != nil {
		return info.id
	}
	return ""
}

// requestIDOf takes the client's id when it is sane (1-128 visible ASCII characters), else makes one.
func requestIDOf(header http.Header) string {
	id := header.Get(RequestIDHeader)
	if id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return id
	}
	var text [26]byte
	made := strconv.AppendUint(text[:0], rand.Uint64(), 36)
	return string(strconv.AppendUint(made, rand.Uint64(), 36))
}

// timeoutOf is the service's own time-out, or the caller's when that is shorter. A caller who has no time left gets none; what
// is not a whole number is ignored.
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

// SetTimeout tells a peer how long the caller will still wait. It is rounded up: a peer that keeps to it fails no earlier
// than the caller gives up.
func SetTimeout(header http.Header, deadline time.Time) {
	left := max(time.Until(deadline), 1)
	header.Set(TimeoutHeader, strconv.FormatInt(int64((left+time.Millisecond-1)/time.Millisecond), 10))
}

// checkText refuses a path or query that isn't UTF-8 or holds a NUL, for every route alike.
func checkText(r *http.Request) error {
	if !plainText(r.URL.Path) {
		return Invalid(Place{"path", "is not valid UTF-8 or has a NUL"})
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
			return Invalid(Place{"query", "a parameter's name is not valid UTF-8 or has a NUL"})
		}
		for _, value := range all {
			if !plainText(value) {
				return Invalid(Place{"query." + name, "is not valid UTF-8 or has a NUL"})
			}
		}
	}
	return nil
}

func plainText(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// PathID reads the {id} of the path: a plain decimal integer from 1 to 2^63-1.
func PathID(r *http.Request) (int64, error) {
	id, ok := parseDecimal(r.PathValue("id"))
	if !ok || id < 1 {
		return 0, Invalid(Place{"path.id", "must be a plain decimal integer from 1 to 9223372036854775807"})
	}
	return id, nil
}

// parseDecimal takes ASCII digits only: no sign, blank, point, exponent or underscore.
func parseDecimal(text string) (int64, bool) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Query reads the parameters that a route declares, and collects what is wrong with them.
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

// Text returns the parameter's value and whether it was given.
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

// Int returns the parameter's value, which must be from low to high, or missing when it isn't given.
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

// Refuse notes that the parameter can't be used.
func (q *Query) Refuse(name, message string) {
	q.wrong = append(q.wrong, Place{"query." + name, message})
}

// Err is nil, or the problem that names every parameter that was refused.
func (q *Query) Err() error {
	if len(q.wrong) == 0 {
		return nil
	}
	return Invalid(q.wrong...)
}
