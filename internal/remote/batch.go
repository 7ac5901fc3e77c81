package remote

import (
	"context"
	"time"
)

// batch is a request for picks, and those who wait for it. What it is until it has ended is guarded by the mutex of Batches.
//
// Nobody owns it: those who wait leave when their own time is up, and the request goes on for as long as a call may take.
// The picks that nobody waits for are kept for others.
type batch[T any] struct {
	ctx      context.Context // has the values of the first caller's
	deadline time.Time       // of the first caller

	size    int // picks asked for, 0 until the request is sent
	joined  int // callers who have a place
	early   int // of them, those who joined before the request was sent
	waiting int // of them, those who have not left

	done    chan struct{} // closed when it has ended; then what follows is set
	items   []T
	expires time.Time
	err     error
}

// newBatch returns one that will be asked for on behalf of the caller with that context.
func newBatch[T any](ctx context.Context) *batch[T] {
	b := &batch[T]{ctx: context.WithoutCancel(ctx), done: make(chan struct{})}
	b.deadline, _ = ctx.Deadline()
	return b
}

// hasPlace reports whether one more of so many may join.
func (b *batch[T]) hasPlace(most int) bool { return b.joined < most }
