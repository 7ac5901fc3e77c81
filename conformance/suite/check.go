package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
)

// check runs a clause. Like a test, a check stops at the first requirement that isn't met: the methods below panic
// with a Failure or an ending, which session.run turns into the outcome. Call these methods only from the clause's own
// goroutine.
type check struct {
	*session
	learned string // what the check learned about the member, for the report
}

// object is a JSON object. Numbers in an object are json.Number, exactly as
// sent.
type object = map[string]any

func (c *check) fail(sent, got, expected string) {
	panic(Failure{Sent: sent, Got: got, Expected: expected})
}

// require fails the clause unless holds is true. The failure quotes the given response.
func (c *check) require(holds bool, a rawhttp.Answer, expected string, args ...any) {
	if !holds {
		c.fail(a.Call.String(), a.String(), fmt.Sprintf(expected, args...))
	}
}

func (c *check) skip(reason string) { panic(ending{Skipped, reason}) }

func (c *check) cannot(what, because string) {
	panic(ending{Unchecked, string(Unchecked) + ": " + what + " (" + because + ")"})
}

// do sends a request and returns the response, whatever its status. do retries a read that got a 503 with a short
// Retry-After, since the contract allows that response while a store is briefly unavailable.
func (c *check) do(service string, call rawhttp.Call) rawhttp.Answer {
	for attempt := 1; ; attempt++ {
		a, err := c.try(service, call)
		if err != nil {
			c.fail(call.String(), err.Error(), "a response")
		}
		wait, later := retryAfter(a)
		if !later || attempt == attempts {
			return a
		}
		select {
		case <-time.After(wait):
		case <-c.ctx.Done():
			return a
		}
	}
}

// retryAfter returns how long to wait before retrying, and whether the request may be retried at all.
func retryAfter(a rawhttp.Answer) (wait time.Duration, later bool) {
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	read := a.Call.Method == "" && a.Call.Target != executePath
	return time.Duration(seconds) * time.Second, read && a.Status == http.StatusServiceUnavailable && err == nil && seconds >= 0 && seconds < 10
}

// try sends a request once, without do's retries; unlike do, it may be called from any goroutine.
func (s *session) try(service string, call rawhttp.Call) (rawhttp.Answer, error) {
	a, err := s.clients[service].Do(s.ctx, call)
	s.note(service, a)
	if s.watch != nil && err == nil {
		s.watch(service, a)
	}
	if seen := s.seen[service]; seen != nil && err == nil {
		seen.take(a)
	}
	return a, err
}

// together sends a request n times, a few at a time, and returns the responses. Each must be 200.
func (c *check) together(n int, service string, call rawhttp.Call) []rawhttp.Answer {
	answers := c.atOnce(n, service, call)
	for _, a := range answers {
		c.require(a.Status == http.StatusOK, a, "200")
	}
	return answers
}

// atOnce is like together, but allows any status.
func (c *check) atOnce(n int, service string, call rawhttp.Call) []rawhttp.Answer {
	const workers = 8
	answers, failures := make([]rawhttp.Answer, n), make([]error, n)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < n; i += workers {
				answers[i], failures[i] = c.try(service, call)
			}
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			c.fail(call.String(), err.Error(), "a response")
		}
	}
	return answers
}

// get sends a GET request for a target and requires status 200.
func (c *check) get(service, target string) rawhttp.Answer {
	return c.status(http.StatusOK, c.do(service, rawhttp.Call{Target: target}))
}

// notFound sends a GET request for a target and requires status 404.
func (c *check) notFound(service, target string) {
	c.status(http.StatusNotFound, c.do(service, rawhttp.Call{Target: target}))
}

// refused sends a request that must be rejected as bad input.
func (c *check) refused(service string, call rawhttp.Call) rawhttp.Answer {
	return c.rejected(c.do(service, call))
}

// status requires that a response has the given status, and returns the
// response.
func (c *check) status(status int, a rawhttp.Answer) rawhttp.Answer {
	c.require(a.Status == status, a, "%d", status)
	return a
}

// rejected requires that a response has status 400 or 422, and returns the
// response.
func (c *check) rejected(a rawhttp.Answer) rawhttp.Answer {
	bad := a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity
	c.require(bad, a, "400 or 422")
	return a
}

// value decodes the body, which must be exactly one JSON value.
func (c *check) value(a rawhttp.Answer) any {
	var value any
	err := openapi.Decode(a.Body, &value)
	c.require(err == nil, a, "JSON (%v)", err)
	return value
}

func (c *check) object(a rawhttp.Answer) object {
	o, is := c.value(a).(object)
	c.require(is, a, "a JSON object")
	return o
}

func (c *check) objects(a rawhttp.Answer) []object {
	array, is := c.value(a).([]any)
	c.require(is, a, "a JSON array")
	list := make([]object, len(array))
	for i, element := range array {
		list[i], is = element.(object)
		c.require(is, a, "an array of objects")
	}
	return list
}

// part returns a field whose value must itself be an object.
func (c *check) part(a rawhttp.Answer, o object, field string) object {
	part, is := o[field].(object)
	c.require(is, a, "an object in %s", field)
	return part
}

// fields requires that an object has exactly the given fields.
func (c *check) fields(a rawhttp.Answer, o object, names []string) {
	got := make([]string, 0, len(o))
	for name := range o {
		got = append(got, name)
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(names))
	c.require(slices.Equal(got, want), a, "exactly the fields %s", strings.Join(names, ", "))
}

// noStore requires that a response has Cache-Control: no-store.
func (c *check) noStore(a rawhttp.Answer) {
	c.require(strings.Contains(strings.ToLower(a.Header.Get("Cache-Control")), "no-store"), a, "Cache-Control: no-store, not %q", a.Header.Get("Cache-Control"))
}

// text returns a field as a string, or "" if its value isn't a string.
func text(o object, field string) string {
	value, _ := o[field].(string)
	return value
}

// number returns a field as an integer.
func number(o object, field string) (int64, bool) {
	written, is := o[field].(json.Number)
	if !is {
		return 0, false
	}
	n, err := written.Int64()
	return n, err == nil
}

// encode returns a value as JSON.
func encode(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // unreachable: the suite passes only values that can be encoded
	}
	return strings.TrimSuffix(text.String(), "\n")
}
