package fight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
)

var (
	// ErrOpen means that the circuit breaker of a peer is open: too many calls have failed lately, so none is made now.
	ErrOpen = errors.New("the circuit breaker is open")
	// ErrBusy means that no call could be made in time, because as many are under way as may be.
	ErrBusy = errors.New("all connections are in use")
	// ErrNoTime means that the request's deadline passed before the peer had a fair chance to answer.
	ErrNoTime = errors.New("the request's deadline was too close")
)

// Refuser is a Source that can tell, without asking its peer, that it has no item to give now.
type Refuser interface {
	// Refusal returns why: ErrOpen; nil when an item is at hand or can be asked for.
	Refusal() error
}

// PeerError tells which catalog gave nothing, and why.
type PeerError struct {
	Peer string // heroes, villains or locations
	Err  error
}

func (e *PeerError) Error() string { return fmt.Sprintf("peer %s: %v", e.Peer, e.Err) }

// Unwrap gives the reason.
func (e *PeerError) Unwrap() error { return e.Err }

// refusal returns the PeerError of a source that refuses.
func refusal[T any](peer string, source Source[T]) error {
	if asked, ok := source.(Refuser); ok {
		if err := asked.Refusal(); err != nil {
			return &PeerError{peer, err}
		}
	}
	return nil
}

// refusals asks the breakers of all peers of a fight, so that nothing is sent to one for a fight that another prevents.
func (s Sources) refusals() error {
	return cmp.Or(refusal("heroes", s.Heroes), refusal("villains", s.Villains), refusal("locations", s.Locations))
}

// IsTimeout reports whether err means that a deadline or a time-out has passed.
func IsTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}
