package arena

import (
	"context"
	"net/http"
	"time"
)

// finishing is a transport for reads whose answers are short. When its caller leaves, a read goes on by itself, for as long as
// a service may take: cutting it short would close the connection, so that clients in a hurry would take the connections of
// all others from the pool. What is returned has been read to its end, or up to maxHeld.
type finishing struct {
	*http.Transport
	limit time.Duration
	left  chan struct{} // one for each read whose caller has left; beyond that they are cut short
}

// newFinishing returns one that lets half of the connections be used by reads whose callers have left.
func newFinishing(transport *http.Transport, limit time.Duration) *finishing {
	return &finishing{transport, limit, make(chan struct{}, transport.MaxConnsPerHost/2)}
}

// read is what came of one.
type read struct {
	response *http.Response
	err      error
}

// RoundTrip implements http.RoundTripper.
func (f *finishing) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), f.limit)
	ended := make(chan read, 1)
	go func() {
		response, err := f.Transport.RoundTrip(request.WithContext(ctx))
		if err == nil {
			if err = hold(response); err != nil {
				_ = response.Body.Close()
			}
		}
		ended <- read{response, err}
	}()
	select {
	case got := <-ended:
		if got.err != nil {
			cancel()
			return nil, got.err
		}
		context.AfterFunc(request.Context(), cancel) // for the rest of it, and at the end of the request
		return got.response, nil
	case <-request.Context().Done():
		f.leave(ended, cancel)
		return nil, context.Cause(request.Context())
	}
}

// leave has a read go on by itself, or cuts it short.
func (f *finishing) leave(ended <-chan read, cancel context.CancelFunc) {
	finish := func() {
		if got := <-ended; got.err == nil {
			_ = got.response.Body.Close()
		}
		cancel()
	}
	select {
	case f.left <- struct{}{}:
		go func() {
			defer func() { <-f.left }()
			finish()
		}()
	default:
		cancel()
		go finish()
	}
}
