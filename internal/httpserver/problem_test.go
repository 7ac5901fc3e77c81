package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProblems(t *testing.T) {
	secret := errors.New(`SELECT password FROM "users": superman:kryptonite@db`)
	tests := []struct {
		name   string
		err    error
		status int
		detail string
		retry  string
		level  string // of the log line, "" for none
	}{
		{"a problem", Errorf(http.StatusTeapot, "short and %s", "stout"), http.StatusTeapot, "short and stout", "", ""},
		{"a wrapped problem", fmt.Errorf("making tea: %w", Errorf(http.StatusTeapot, "short")), http.StatusTeapot, "short", "", ""},
		{"its cause stays here", Errorf(http.StatusBadGateway, "heroes failed").Because(secret), http.StatusBadGateway, "heroes failed", "", "WARN"},
		{"unavailable", Unavailable("come back").Because(secret), http.StatusServiceUnavailable, "come back", "1", "WARN"},
		{"the deadline", fmt.Errorf("reading: %w", context.DeadlineExceeded), http.StatusServiceUnavailable, "the request's deadline has passed", "1", "WARN"},
		{"too large", &http.MaxBytesError{Limit: 5}, http.StatusRequestEntityTooLarge, "the body is larger than 5 bytes", "", ""},
		{"any other error", secret, http.StatusInternalServerError, "internal error; see the log of the service", "", "ERROR"},
		{"a detail that is not UTF-8", Errorf(http.StatusTeapot, "\xff"), http.StatusInternalServerError, "the error could not be described", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, log := serving(t, settings(), route(http.MethodGet, "/", func(http.ResponseWriter, *http.Request) error { return test.err }))
			got := ask(t, server, http.MethodGet, "/", "")
			problem := got.problem(t, test.status)
			if problem.Detail != test.detail {
				t.Errorf("detail %q, want %q", problem.Detail, test.detail)
			}
			if strings.Contains(got.body, "kryptonite") {
				t.Errorf("the client sees the cause: %s", got.body)
			}
			if retry := got.header.Get("Retry-After"); retry != test.retry {
				t.Errorf("Retry-After %q, want %q", retry, test.retry)
			}
			if cache := got.header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control %q", cache)
			}
			checkLog(t, log.lines(), test.level, got.header.Get(RequestIDHeader))
		})
	}
}

// checkLog expects one line of the given level that names the request, or none.
func checkLog(t *testing.T, lines []string, level, id string) {
	t.Helper()
	if level == "" {
		if lines[0] != "" {
			t.Errorf("logged %q, want nothing", lines)
		}
		return
	}
	if len(lines) != 1 || !strings.Contains(lines[0], " - test - "+level+" - ") || !strings.Contains(lines[0], "request_id="+id) {
		t.Errorf("logged %q, want one line of level %s with request_id=%s", lines, level, id)
	}
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	for after, want := range map[time.Duration]string{
		0: "", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60",
	} {
		t.Run(after.String(), func(t *testing.T) {
			problem := Errorf(http.StatusServiceUnavailable, "later")
			problem.RetryAfter = after
			server, _ := serving(t, settings(), route(http.MethodGet, "/", func(http.ResponseWriter, *http.Request) error { return problem }))
			if got := ask(t, server, http.MethodGet, "/", "").header.Get("Retry-After"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestInvalidNamesEveryPlace(t *testing.T) {
	places := []Place{{"body.hero.name", "is missing"}, {"body.villain", "is missing"}}
	got := Invalid(places...)
	if got.Status != http.StatusUnprocessableEntity || got.Detail != "body.hero.name: is missing (and 1 more)" {
		t.Errorf("got %d %q", got.Status, got.Detail)
	}
	if diff := cmp.Diff(places, got.Errors); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if alone := Invalid(places[0]); alone.Detail != "body.hero.name: is missing" {
		t.Errorf("got %q", alone.Detail)
	}
}

func TestUnknownPathAndWrongMethod(t *testing.T) {
	server, log := serving(t, settings(),
		route(http.MethodGet, "/things", ok), route(http.MethodPost, "/things", ok), route(http.MethodGet, "/things/{id}", ok),
		route(http.MethodPut, "/things/{id}", ok), route(http.MethodGet, "/things/random", ok), route(http.MethodPatch, "/only", ok),
		route(http.MethodGet, "/own", func(http.ResponseWriter, *http.Request) error {
			problem := Errorf(http.StatusMethodNotAllowed, "this path supports GET")
			problem.Allow = http.MethodGet
			return problem
		}))
	tests := []struct {
		method, target string
		status         int
		allow          []string
	}{
		{http.MethodGet, "/nothing", http.StatusNotFound, nil},
		{http.MethodGet, "/", http.StatusNotFound, nil},
		{http.MethodPost, "/nothing", http.StatusNotFound, nil},
		{http.MethodGet, "/things/1/more", http.StatusNotFound, nil},
		{http.MethodGet, "/Things", http.StatusNotFound, nil},
		{http.MethodGet, "/things/", http.StatusNotFound, nil},
		{http.MethodGet, "/things%2F1", http.StatusNotFound, nil},
		{http.MethodPut, "/things", http.StatusMethodNotAllowed, []string{"GET", "HEAD", "POST"}},
		{http.MethodOptions, "/things", http.StatusMethodNotAllowed, []string{"GET", "HEAD", "POST"}},
		{"BREW", "/things", http.StatusMethodNotAllowed, []string{"GET", "HEAD", "POST"}},
		{http.MethodDelete, "/things/1", http.StatusMethodNotAllowed, []string{"GET", "HEAD", "PUT"}},
		{http.MethodPut, "/things/random", http.StatusMethodNotAllowed, []string{"GET", "HEAD"}},
		{http.MethodOptions, "/things/random", http.StatusMethodNotAllowed, []string{"GET", "HEAD"}},
		{http.MethodGet, "/only", http.StatusMethodNotAllowed, []string{"PATCH"}},
		{http.MethodGet, "/own", http.StatusMethodNotAllowed, []string{"GET"}},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			got := ask(t, server, test.method, test.target, "")
			got.problem(t, test.status)
			var allow []string
			if text := got.header.Get("Allow"); text != "" {
				allow = strings.Split(text, ", ")
			}
			slices.Sort(allow)
			if diff := cmp.Diff(test.allow, allow); diff != "" {
				t.Errorf("Allow (-want +got):\n%s", diff)
			}
		})
	}
	checkLog(t, log.lines(), "", "")
}

func TestHeadHasNoBody(t *testing.T) {
	server, _ := serving(t, settings(), route(http.MethodGet, "/things", ok))
	for target, status := range map[string]int{"/things": http.StatusOK, "/nothing": http.StatusNotFound} {
		if got := ask(t, server, http.MethodHead, target, ""); got.status != status || got.body != "" {
			t.Errorf("HEAD %s: got %d %q", target, got.status, got.body)
		}
	}
}
