package remote

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"superheroes/internal/bounded"
)

// finishing is a transport for reads whose answers are short. When its caller leaves, a read goes on by itself, for as long as
// a service may take: cutting it short would close the connection, so that clients in a hurry would take the connections of
// all others from the pool. What is returned has been read to its end, or up to maxHeld.
type finishing struct {
	*http.Transport
	reads *bounded.Slots
	work  *bounded.Work
}

// newFinishing returns one that lets half of the connections be used by reads whose callers have left.
func newFinishing(transport *http.Transport, limit time.Duration) *finishing {
	reads := bounded.NewSlots("reads", transport.MaxConnsPerHost)
	return &finishing{transport, reads, bounded.NewWork(limit, transport.MaxConnsPerHost/2, reads)}
}

// RoundTrip implements http.RoundTripper.
func (f *finishing) RoundTrip(request *http.Request) (*http.Response, error) {
	answered, ended := make(chan *http.Response, 1), make(chan error, 1)
	go func() {
		_, err := bounded.Do(request.Context(), f.work, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, f.read(ctx, request, answered)
		})
		ended <- err
	}()
	select {
	case response := <-answered:
		return response, nil
	case err := <-ended:
		if err != nil {
			return nil, err
		}
		return <-answered, nil
	}
}

// read hands over what the service answers. It returns when that is read, or nobody reads it any more.
func (f *finishing) read(ctx context.Context, request *http.Request, answered chan<- *http.Response) error {
	response, err := f.Transport.RoundTrip(request.WithContext(ctx)) //nolint:bodyclose // closed below
	if err != nil {
		return err
	}
	body := response.Body
	defer func() { _ = body.Close() }() // what matters of it was read
	whole, err := hold(response)
	if err != nil {
		return err
	}
	if whole {
		answered <- response
		return nil
	}
	rest := &restOfBody{ReadCloser: response.Body, closed: make(chan struct{})}
	response.Body = rest
	answered <- response
	select {
	case <-rest.closed:
	case <-request.Context().Done():
	case <-ctx.Done():
	}
	return nil
}

// restOfBody tells when its reader has done with it.
type restOfBody struct {
	io.ReadCloser
	once   sync.Once
	closed chan struct{}
}

// Close implements io.Closer.
func (b *restOfBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
