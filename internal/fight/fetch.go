package fight

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// fetches are the picks that a fight still needs from its peers.
type fetches []func(context.Context) error

// fetch returns a function that picks an item of the source into into.
func fetch[T any](peer string, source Source[T], into *T) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		if *into, err = source.Random(ctx); err != nil {
			return &PeerError{peer, err}
		}
		return nil
	}
}

// atOnce runs the fetches concurrently, the first one in this goroutine. The first failure cancels the others and is
// returned.
func (f fetches) atOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var first error
	var once sync.Once
	run := func(fetch func(context.Context) error) {
		if err := Guard(ctx, fetch); err != nil {
			once.Do(func() { first = err })
			cancel()
		}
	}
	var others sync.WaitGroup
	for _, fetch := range f[1:] {
		others.Go(func() { run(fetch) })
	}
	run(f[0])
	others.Wait()
	return repanic(first)
}

// inTurn runs the fetches one after another until one fails.
func (f fetches) inTurn(ctx context.Context) error {
	for _, fetch := range f {
		if err := fetch(ctx); err != nil {
			return repanic(err)
		}
	}
	return nil
}

// Guard runs f and turns a panic into a PanicError, to be raised again in the request's goroutine. There the server
// handles it; in any other goroutine it would crash the process.
func Guard(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{cause, debug.Stack()}
		}
	}()
	return f(ctx)
}

// repanic re-raises a panic caught by Guard, and returns any other error.
func repanic(err error) error {
	var caught *PanicError
	if errors.As(err, &caught) {
		panic(caught)
	}
	return err
}

// PanicError carries a panic to another goroutine.
type PanicError struct {
	cause any
	stack []byte
}

func (p *PanicError) Error() string { return fmt.Sprintf("%v\n%s", p.cause, p.stack) }
