package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestProblems(t *testing.T) {
	secret := errors.New(`SELECT password FROM "users": superman:kryptonite@db`)
	tests := []struct {
		name   string
		err    error
		status int
		detail string
		retry  string
		level  string // level of the expected log line, "" for none
	}{
		{"a problem", Errorf(http.StatusTeapot, "short and %s", "stout"), http.StatusTeapot, "short and stout", "", ""},
		{"a wrapped problem", fmt.Errorf("making tea: %w", Errorf(http.StatusTeapot, "short")), http.StatusTeapot, "short", "", ""},
		{"a cause stays secret", Errorf(http.StatusBadGateway, "heroes failed").Because(secret), http.StatusBadGateway, "heroes failed", "", "WARN"},
		{"unavailable", Unavailable("come back").Because(secret), http.StatusServiceUnavailable, "come back", "1", "WARN"},
		{"the deadline", fmt.Errorf("reading: %w", context.DeadlineExceeded), http.StatusServiceUnavailable, "the request's deadline has passed", "1", "WARN"},
		{"too large", &http.MaxBytesError{Limit: 5}, http.StatusRequestEntityTooLarge, "the body is larger than 5 bytes", "", ""},
		{"any other error", secret, http.StatusInternalServerError, "internal error; see the log of the service", "", "ERROR"},
		{"a detail that is not UTF-8", Errorf(http.StatusTeapot, "\xff"), http.StatusInternalServerError, "the error could not be described", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, log := serving(t, settings(), get(func(http.ResponseWriter, *http.Request) error { return test.err }))
			got := ask(t, server, http.MethodGet, "/", "")
			problem := got.problem(t, test.status)
			if problem.Detail != test.detail {
				t.Errorf("detail %q, want %q", problem.Detail, test.detail)
			}
			if strings.Contains(got.body, "kryptonite") {
				t.Errorf("the response reveals the cause: %s", got.body)
			}
			if retry := got.header.Get("Retry-After"); retry != test.retry {
				t.Errorf("Retry-After %q, want %q", retry, test.retry)
			}
			if cache := got.header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control %q", cache)
			}
			log.check(t, test.level, got.header.Get(RequestIDHeader))
		})
	}
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2"} {
		problem, written := Errorf(http.StatusServiceUnavailable, "later"), httptest.NewRecorder()
		problem.RetryAfter = after
		writeProblem(written, problem)
		if got := written.Header().Get("Retry-After"); got != want {
			t.Errorf("%s: got Retry-After %q, want %q", after, got, want)
		}
	}
}

func TestUnknownPathAndWrongMethod(t *testing.T) {
	server, log := serving(t, settings(),
		route(http.MethodGet, "/things", ok), route(http.MethodPost, "/things", ok), route(http.MethodGet, "/things/{id}", ok),
		route(http.MethodPut, "/things/{id}", ok), route(http.MethodGet, "/things/random", ok),
		route(http.MethodPatch, "/only", ok))
	for _, test := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{http.MethodHead, "/things", http.StatusOK, ""},
		{http.MethodHead, "/nothing", http.StatusNotFound, ""},
		{http.MethodGet, "/", http.StatusNotFound, ""},
		{http.MethodPost, "/nothing", http.StatusNotFound, ""},
		{http.MethodGet, "/things/1/more", http.StatusNotFound, ""},
		{http.MethodGet, "/things/", http.StatusNotFound, ""},
		{http.MethodGet, "/things%2F1", http.StatusNotFound, ""},
		{"BREW", "/things", http.StatusMethodNotAllowed, "GET, HEAD, POST"},
		{http.MethodDelete, "/things/1", http.StatusMethodNotAllowed, "GET, HEAD, PUT"},
		{http.MethodPut, "/things/random", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodGet, "/only", http.StatusMethodNotAllowed, "PATCH"},
	} {
		got := ask(t, server, test.method, test.target, "")
		if test.method != http.MethodHead {
			got.problem(t, test.status)
		} else if got.status != test.status || got.body != "" {
			t.Errorf("HEAD %s: got %d %q", test.target, got.status, got.body)
		}
		if allow := got.header.Get("Allow"); allow != test.allow {
			t.Errorf("%s %s: Allow is %q, want %q", test.method, test.target, allow, test.allow)
		}
	}
	log.check(t, "", "")
}
