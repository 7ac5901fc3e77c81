package peers

import (
	"context"
	"time"
)

// batch is a request for picks, and those who wait for it. What it is until it has ended is guarded by the mutex of Batches.
type batch[T any] struct {
	ctx      context.Context // its own, with the values of the first caller's
	cancel   context.CancelCauseFunc
	deadline time.Time // of the first caller

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
	b := &batch[T]{done: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	b.deadline, _ = ctx.Deadline()
	return b
}

// hasPlace tells whether one more of so many may join. One that everybody has left is given up.
func (b *batch[T]) hasPlace(most int) bool { return b.joined < most && b.waiting > 0 }
