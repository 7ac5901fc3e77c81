package remote

import (
	"context"
	"time"
)

// batch is one request for picks and the callers that wait for it. Until it is done, the mutex of Batches guards it.
//
// No caller owns it: each leaves at its own deadline, and the request goes on for as long as a call may take. Picks
// without a waiting caller are stored for later ones.
type batch[T any] struct {
	ctx      context.Context // with the values of the first caller's
	deadline time.Time       // the first caller's

	size    int // number of picks requested; 0 until the request is sent
	joined  int // callers that have joined
	early   int // of these, the ones that joined before the request was sent
	waiting int // of these, the ones that still wait

	done    chan struct{} // closed when the request has ended, after the fields below are set
	items   []T
	expires time.Time
	err     error
}

// newBatch returns a batch requested on behalf of the caller with the given context.
func newBatch[T any](ctx context.Context) *batch[T] {
	b := &batch[T]{ctx: context.WithoutCancel(ctx), done: make(chan struct{})}
	b.deadline, _ = ctx.Deadline()
	return b
}

// hasPlace reports whether another caller may join, up to the given number.
func (b *batch[T]) hasPlace(most int) bool { return b.joined < most }
