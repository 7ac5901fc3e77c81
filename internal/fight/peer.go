package fight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"

	"superheroes/internal/bounded"
)

var (
	// ErrOpen means that the circuit breaker of a peer is open: too many recent calls failed, so no call is made.
	ErrOpen = errors.New("the circuit breaker is open")
	// ErrBusy means that no call could be made in time, because the maximum number of calls was in flight.
	ErrBusy = errors.New("all connections are in use")
	// ErrNoTime means that the request's deadline left the peer too little time to respond.
	ErrNoTime = errors.New("the request's deadline was too close")
)

// Refuser is a Source that can report, without calling its peer, that it has no item available at the moment.
type Refuser interface {
	// Refusal returns ErrOpen if the source can't provide an item, or nil if an item is ready or can be requested.
	Refusal() error
}

// PeerError reports that a catalog provided no item.
type PeerError struct {
	Peer string // heroes, villains or locations
	Err  error
}

func (e *PeerError) Error() string { return fmt.Sprintf("peer %s: %v", e.Peer, e.Err) }

// Unwrap returns the reason.
func (e *PeerError) Unwrap() error { return e.Err }

// refusal returns a PeerError if the source refuses.
func refusal[T any](peer string, source Source[T]) error {
	if asked, ok := source.(Refuser); ok {
		if err := asked.Refusal(); err != nil {
			return &PeerError{peer, err}
		}
	}
	return nil
}

// refusal checks the circuit breakers of all peers that a fight needs, so that no peer is called in vain.
func (s Sources) refusal(withLocation bool) error {
	err := cmp.Or(refusal("heroes", s.Heroes), refusal("villains", s.Villains))
	if err == nil && withLocation {
		err = refusal("locations", s.Locations)
	}
	return err
}

// IsTimeout reports whether err means that a deadline or timeout has expired.
func IsTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// Unreachable returns why no connection to a peer could be opened, in plain words, or "" if err has another cause.
func Unreachable(err error) string {
	var dial *net.OpError
	switch {
	case !errors.As(err, &dial) || dial.Op != "dial":
		return ""
	case errors.As(err, new(*net.DNSError)):
		return "its host name can't be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing is listening at its address"
	}
	return "its address can't be reached"
}

// fetches holds the functions that fetch the items still missing for a fight from the peers.
type fetches []func(context.Context) error

// fetch returns a function that picks an item from the source and stores it in *into.
func fetch[T any](peer string, source Source[T], into *T) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		if *into, err = source.Random(ctx); err != nil {
			return &PeerError{peer, err}
		}
		return nil
	}
}

// atOnce runs the fetches concurrently, the first in the calling goroutine and the others in workers. The first error
// cancels the other fetches and is returned.
func (f fetches) atOnce(ctx context.Context, workers *bounded.Workers) error {
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
		others.Add(1)
		work := func() {
			defer others.Done()
			pprof.SetGoroutineLabels(ctx)
			run(fetch)
		}
		if !workers.Go(work) {
			work() // the service is stopping
		}
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

// Guard runs f and converts a panic into a PanicError, for repanic to raise in the request's goroutine. In the
// request's goroutine, the server handles the panic; in any other, the panic would crash the process.
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

// PanicError carries a panic from one goroutine to another.
type PanicError struct {
	cause any
	stack []byte
}

func (p *PanicError) Error() string { return fmt.Sprintf("%v\n%s", p.cause, p.stack) }
