package fight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
)

var (
	// ErrOpen means that the circuit breaker of a peer is open: too many recent calls failed, so no call is made.
	ErrOpen = errors.New("the circuit breaker is open")
	// ErrBusy means that no call could be made in time, because the maximum number was in flight.
	ErrBusy = errors.New("all connections are in use")
	// ErrNoTime means that the request's deadline left the peer too little time to respond.
	ErrNoTime = errors.New("the request's deadline was too close")
)

// Refuser is a Source that may know, without a call to its peer, that it can't provide an item now.
type Refuser interface {
	// Refusal returns the reason, ErrOpen, or nil if an item is ready or can be requested.
	Refusal() error
}

// PeerError reports which catalog provided no item, and why.
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

// refusal checks the breakers of all peers of a fight, so that no peer is called for a fight that another one prevents.
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
