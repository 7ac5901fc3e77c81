// Package bounded limits how much work of each kind runs at the same time, so that no kind starves another, and lets
// work finish after its caller has left. The package makes no assumptions about the work itself.
package bounded

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Slots limits how much work of one kind runs concurrently. Callers get slots in order of arrival.
type Slots struct {
	kind   string
	taken  chan struct{}
	served atomic.Uint64 // work that succeeded
}

// NewSlots returns Slots that let at most the given number of operations run. The kind, such as "lists", appears in the
// error when all slots are taken.
func NewSlots(kind string, most int) *Slots {
	return &Slots{kind: kind, taken: make(chan struct{}, max(1, most))}
}

// FullError means that the caller's context ended before a slot was free.
type FullError struct {
	Kind  string // kind of work, for instance "lists"
	Crowd bool   // other work of this kind succeeded meanwhile, so there were simply too many callers
	Err   error  // why the context ended
}

func (e *FullError) Error() string {
	if e.Crowd {
		return fmt.Sprintf("too many %s at once: %v", e.Kind, e.Err)
	}
	return e.Err.Error()
}

// Unwrap returns the reason the context ended.
func (e *FullError) Unwrap() error { return e.Err }

// Take waits for a slot, which the caller must release with Give. It fails with a FullError if ctx ends first.
func (s *Slots) Take(ctx context.Context) error {
	if ctx.Err() != nil {
		return &FullError{s.kind, false, context.Cause(ctx)}
	}
	before := s.served.Load()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
	}
	return &FullError{s.kind, s.served.Load() != before, context.Cause(ctx)}
}

// CrowdOf returns the kind of work for which err reports too many callers, or "" if err has another cause.
func CrowdOf(err error) (kind string) {
	var full *FullError
	if errors.As(err, &full) && full.Crowd {
		return full.Kind
	}
	return ""
}

// Give releases a slot after its work has ended with err, which is nil on success.
func (s *Slots) Give(err error) {
	if err == nil {
		s.served.Add(1)
	}
	<-s.taken
}

// Taken returns the number of slots in use.
func (s *Slots) Taken() int { return len(s.taken) }
