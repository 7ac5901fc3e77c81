// Package bounded limits how much work of each kind runs at the same time, so that no kind starves another, and lets
// work finish after its caller has left. It doesn't know what the work is.
package bounded

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Slots limit how much work of one kind runs concurrently. Callers get slots in order of arrival.
type Slots struct {
	kind   string
	taken  chan struct{}
	served atomic.Uint64 // work that succeeded
}

// NewSlots returns most slots for a kind of work, such as "lists": the word appears in the error when all are taken.
func NewSlots(kind string, most int) *Slots {
	return &Slots{kind: kind, taken: make(chan struct{}, max(1, most))}
}

// FullError means that the caller's context ended before a slot was free.
type FullError struct {
	Kind  string // of work, for instance "lists"
	Crowd bool   // other work of the kind succeeded meanwhile: there are too many callers, and nothing else is wrong
	Err   error  // why the context ended
}

func (e *FullError) Error() string {
	if e.Crowd {
		return fmt.Sprintf("too many %s at once: %v", e.Kind, e.Err)
	}
	return e.Err.Error()
}

// Unwrap returns why the context ended.
func (e *FullError) Unwrap() error { return e.Err }

// Take waits for a slot; Give must follow. It fails with a FullError if ctx ends first.
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

// CrowdOf returns the kind of work that has too many callers if err says so, otherwise "".
func CrowdOf(err error) (kind string) {
	var full *FullError
	if errors.As(err, &full) && full.Crowd {
		return full.Kind
	}
	return ""
}

// Give returns a slot after work that ended with err.
func (s *Slots) Give(err error) {
	if err == nil {
		s.served.Add(1)
	}
	<-s.taken
}

// Taken returns the number of taken slots.
func (s *Slots) Taken() int { return len(s.taken) }
