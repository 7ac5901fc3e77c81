// Package telemetrytest collects spans for tests.
package telemetrytest

import (
	"slices"
	"sync"
	"testing"

	"superheroes/internal/telemetry"
)

// Spans collects ended spans. It is safe for concurrent use.
type Spans struct {
	mu    sync.Mutex
	ended []*telemetry.Span
}

// Registry returns a registry that records the traces that the sampler with the given name and argument selects, and
// the spans that it records.
func Registry(tb testing.TB, sampler, argument string) (*telemetry.Registry, *Spans) {
	tb.Helper()
	how, err := telemetry.NewSampler(sampler, argument, false)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Spans{}
	return telemetry.NewRegistry(&telemetry.Tracing{Sampler: how, Record: s.record}), s
}

func (s *Spans) record(span *telemetry.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, span)
}

// All returns the collected spans.
func (s *Spans) All() []*telemetry.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ended)
}

// Children returns the spans with the given parent. The root of a trace has the parent "".
func (s *Spans) Children(parent string) []*telemetry.Span {
	return slices.DeleteFunc(s.All(), func(span *telemetry.Span) bool { return span.Parent != parent })
}

// Take returns the collected spans and removes them.
func (s *Spans) Take() []*telemetry.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := s.ended
	s.ended = nil
	return ended
}
