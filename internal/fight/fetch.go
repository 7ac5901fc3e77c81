package fight

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// fetches are what is still to be fetched for a fight.
type fetches []func(context.Context) error

// draw puts an item of the source in its place: now when one is at hand, else when the fetches have run.
func draw[T any](f *fetches, peer string, source Source[T], into *T) {
	item, ready := source.Ready()
	if ready {
		*into = item
		return
	}
	*f = append(*f, func(ctx context.Context) (err error) {
		if *into, err = source.Random(ctx); err != nil {
			return &PeerError{peer, err}
		}
		return nil
	})
}

// atOnce runs the fetches at the same time, the first one here. One that fails cancels the others, and the first error is
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
	return panicAgain(first)
}

// inTurn runs the fetches one after the other. The first that fails ends it.
func (f fetches) inTurn(ctx context.Context) error {
	for _, fetch := range f {
		if err := fetch(ctx); err != nil {
			return panicAgain(err)
		}
	}
	return nil
}

// Guard runs f and turns a panic into a PanicError, which is to be raised again in the goroutine of the request: there the
// server answers for it, in another it would end the process.
func Guard(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{cause, debug.Stack()}
		}
	}()
	return f(ctx)
}

// panicAgain raises a panic that Guard has caught, and returns any other error.
func panicAgain(err error) error {
	var caught *PanicError
	if errors.As(err, &caught) {
		panic(caught)
	}
	return err
}

// PanicError is a panic on its way to another goroutine.
type PanicError struct {
	cause any
	stack []byte
}

func (p *PanicError) Error() string { return fmt.Sprintf("%v\n%s", p.cause, p.stack) }
