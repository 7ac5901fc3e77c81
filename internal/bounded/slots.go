// Package bounded limits how much work of one kind is under way at the same time, so that no kind takes what the others
// need, and has such work finish when its caller leaves.
package bounded

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Slots let at most so many do the same kind of work at a time. Callers who wait for a slot get one in the order in which
// they came.
type Slots struct {
	kind   string
	taken  chan struct{}
	served atomic.Uint64 // work that succeeded
}

// NewSlots returns so many slots for work of a kind, such as "lists": the word is in the error of a caller who gets none.
func NewSlots(kind string, most int) *Slots {
	return &Slots{kind: kind, taken: make(chan struct{}, max(1, most))}
}

// FullError means that the caller's context ended before it had a slot.
type FullError struct {
	Kind  string // of work, as in "lists"
	Crowd bool   // work that had a slot succeeded meanwhile: there are too many callers, and nothing else is wrong
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

// Take waits for a slot, which the caller must give back. It fails with a FullError when ctx ends before there is one.
func (s *Slots) Take(ctx context.Context) error {
	if ctx.Err() != nil {
		return &FullError{s.kind, false, context.Cause(ctx)}
	}
	select {
	case s.taken <- struct{}{}:
		return nil
	default:
	}
	before := s.served.Load()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
	}
	return &FullError{s.kind, s.served.Load() != before, context.Cause(ctx)}
}

// CrowdOf returns the kind of work for which there are too many callers, when that is what err says, else "".
func CrowdOf(err error) (kind string) {
	var full *FullError
	if errors.As(err, &full) && full.Crowd {
		return full.Kind
	}
	return ""
}

// Give gives a slot back. It is told how the work ended.
func (s *Slots) Give(err error) {
	if err == nil {
		s.served.Add(1)
	}
	<-s.taken
}

// Taken returns how many slots are taken.
func (s *Slots) Taken() int { return len(s.taken) }
