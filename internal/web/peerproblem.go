package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
)

// peerProblem turns a peer's failure into a problem. ctx is the request's.
func peerProblem(ctx context.Context, err error) error {
	var peer *fight.PeerError
	if !errors.As(err, &peer) {
		return err
	}
	state, unreachable := stateOf(err), fight.Unreachable(err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, bounded.ErrClosed):
		return httpserver.Unavailable("the request was canceled").Because(err)
	case errors.Is(err, catalog.ErrEmpty):
		return httpserver.Unavailable("the catalog of %s is empty", peer.Peer).Because(err)
	case errors.Is(err, fight.ErrOpen):
		return httpserver.Unavailable("circuit breaker for %s is open; retry later", peer.Peer).Because(err)
	case errors.Is(err, fight.ErrBusy):
		return httpserver.Unavailable("all connections to %s are in use; retry later", peer.Peer).Because(err)
	case errors.Is(err, fight.ErrNoTime):
		return httpserver.Errorf(http.StatusGatewayTimeout, "the request's deadline passed before %s could answer", peer.Peer).Because(err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded),
		fight.IsTimeout(err) && state == "": // a store timeout is a failure, as it is for a remote peer
		return httpserver.Errorf(http.StatusGatewayTimeout, "%s did not answer in time%s", peer.Peer, state).Because(err)
	case unreachable != "" && state == "": // otherwise, the store is what can't be reached
		return httpserver.Errorf(http.StatusBadGateway, "can't reach %s: %s", peer.Peer, unreachable).Because(err)
	}
	return httpserver.Errorf(http.StatusBadGateway, "%s failed to answer%s", peer.Peer, state).Because(err)
}

// stateOf returns a suffix for the problem's detail that describes the failure of the store, if the catalog runs in
// this process. It returns "" if the failure is unknown.
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
