// Package bounded limits how much work of one kind is under way at the same time, so that no kind takes what the others
// need, and has such work finish when its caller leaves.
package bounded

import (
	"context"
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

// FullError means that the caller's context ended while others had the slots, and got their work done.
type FullError struct {
	Kind string // of work, as in "lists"
	Err  error  // why the context ended
}

func (e *FullError) Error() string { return fmt.Sprintf("too many %s at once: %v", e.Kind, e.Err) }

// Unwrap returns why the context ended.
func (e *FullError) Unwrap() error { return e.Err }

// Take waits for a slot, which the caller must give back. When ctx ends before there is one, Take fails with a FullError, or
// with the cause alone when no work that had a slot succeeded meanwhile: then it isn't the crowd that is at fault.
func (s *Slots) Take(ctx context.Context) error {
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
	if s.served.Load() == before {
		return context.Cause(ctx)
	}
	return &FullError{s.kind, context.Cause(ctx)}
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
