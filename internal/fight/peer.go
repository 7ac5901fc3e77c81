package fight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"superheroes/internal/catalog"
	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
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

// peerProblem turns the failure of a peer into its answer. ctx is the request's.
func peerProblem(ctx context.Context, err error) error {
	var peer *PeerError
	if !errors.As(err, &peer) {
		return err
	}
	state := stateOf(err)
	switch {
	case errors.Is(err, context.Canceled):
		return httpserver.Unavailable("the request was canceled").Because(err)
	case errors.Is(err, catalog.ErrEmpty):
		return httpserver.Unavailable("the catalog of %s is empty", peer.Peer).Because(err)
	case errors.Is(err, ErrOpen):
		return httpserver.Unavailable("circuit breaker for %s is open; retry later", peer.Peer).Because(err)
	case errors.Is(err, ErrBusy):
		return httpserver.Unavailable("all connections to %s are in use; retry later", peer.Peer).Because(err)
	case errors.Is(err, ErrNoTime):
		return httpserver.Errorf(http.StatusGatewayTimeout, "the request's deadline passed before %s could answer", peer.Peer).Because(err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), IsTimeout(err) && state == "": // a store's own time-out is a failure, as at a peer
		return httpserver.Errorf(http.StatusGatewayTimeout, "%s did not answer in time%s", peer.Peer, state).Because(err)
	}
	return httpserver.Errorf(http.StatusBadGateway, "%s failed to answer%s", peer.Peer, state).Because(err)
}

// stateOf says what is wrong with the catalog's own store, when it is in this process, to be added to a detail.
func stateOf(err error) string {
	var row *storage.RowError
	if errors.As(err, &row) {
		return fmt.Sprintf(": %s %s can't be read", row.What, row.ID)
	}
	if kind := storage.KindOf(err); kind != nil {
		return ": " + kind.Error()
	}
	return ""
}
