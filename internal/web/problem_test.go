package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
)

// Each problem's status and detail describe the actual failure and name the service that failed, never another cause.
func TestPeerProblems(t *testing.T) {
	timeout := &os.PathError{Op: "read", Path: "tcp", Err: os.ErrDeadlineExceeded}
	for _, c := range []struct {
		name   string
		err    error // of the peer
		passed bool  // whether the request's deadline has passed
		status int
		detail string
	}{
		{"nobody listens", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, false, 502, "can't reach heroes: nothing is listening at its address"},
		{"no such host", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "heroes"}}, false, 502, "can't reach heroes: its host name can't be resolved"},
		{"no route", &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, false, 502, "can't reach heroes: its address can't be reached"},
		{"disconnected", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, 502, "heroes failed to answer"},
		{"no response in time", timeout, false, 504, "heroes did not answer in time"},
		{"no response before the deadline", context.DeadlineExceeded, true, 504, "heroes did not answer in time"},
		{"no time left for the call", fmt.Errorf("%w: %w", fight.ErrNoTime, context.DeadlineExceeded), true, 504, "the request's deadline passed before heroes could answer"},
		{"no connection was free", fmt.Errorf("%w: %w", fight.ErrBusy, context.DeadlineExceeded), true, 503, "all connections to heroes are in use; retry later"},
		{"its breaker is open", fight.ErrOpen, false, 503, "circuit breaker for heroes is open; retry later"},
		{"empty catalog", fmt.Errorf("picking: %w", catalog.ErrEmpty), false, 503, "the catalog of heroes is empty"},
		{"the client has gone", context.Canceled, true, 503, "the request was canceled"},
		{"this service is stopping", bounded.ErrClosed, false, 503, "the request was canceled"},
		{"local store is unavailable", storage.As(storage.ErrUnavailable, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), false, 502, "heroes failed to answer: the store does not answer"},
		{"local store times out", storage.As(storage.ErrUnavailable, timeout), false, 502, "heroes failed to answer: the store does not answer"},
		{"local store is locked until the deadline", storage.As(storage.ErrBusy, context.DeadlineExceeded), true, 504, "heroes did not answer in time: the store is locked"},
		{"local store cancels the query at the deadline", errors.New("canceling statement due to user request"), true, 504, "heroes did not answer in time"},
		{"local store is damaged", storage.Errorf(storage.ErrDamaged, "heroes.db was removed"), false, 502, "heroes failed to answer: the store is damaged"},
		{"local table has an unexpected schema", storage.Errorf(storage.ErrSchema, "no column level"), false, 502, "heroes failed to answer: the store's schema is not as expected"},
		{"local store has an unreadable row", &storage.RowError{What: "hero", ID: "7", Err: errors.New("level is NULL")}, false, 502, "heroes failed to answer: hero 7 can't be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			if c.passed {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, time.Now())
				defer cancel()
			}
			var problem *httpserver.Problem
			err := peerProblem(ctx, fmt.Errorf("fighting: %w", &fight.PeerError{Peer: "heroes", Err: c.err}))
			if !errors.As(err, &problem) || problem.Status != c.status || problem.Detail != c.detail {
				t.Fatalf("got %d %q, want %d %q", problem.Status, problem.Detail, c.status, c.detail)
			}
			if (problem.RetryAfter > 0) != (c.status == http.StatusServiceUnavailable) || !errors.Is(problem, c.err) {
				t.Errorf("got Retry-After %s and cause %v", problem.RetryAfter, problem.Cause)
			}
		})
	}
}

// The problem for a list that misses its deadline blames the store only if the store doesn't respond.
func TestListProblem(t *testing.T) {
	late := context.DeadlineExceeded
	for name, c := range map[string]struct {
		err  error
		want string // of the detail
	}{
		"deadline passes on the first page":    {late, "the store did not answer before"},
		"deadline passes after the first page": {fmt.Errorf("%w: %w", catalog.ErrUnfinished, late), "the listing did not finish before"},
		"other lists use all slots":            {&bounded.FullError{Kind: "lists", Crowd: true, Err: late}, "too many lists at once"},
		"no list makes progress":               {&bounded.FullError{Kind: "lists", Err: late}, "the store did not answer before"},
		"unavailable store":                    {storage.As(storage.ErrUnavailable, late), "the store does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var problem *httpserver.Problem
			if !errors.As(catalogProblem("hero", c.err), &problem) || problem.Status != 503 || !strings.Contains(problem.Detail, c.want) {
				t.Errorf("got %+v, want %q", problem, c.want)
			}
		})
	}
}
