package remote

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"superheroes/internal/bounded"
)

// finishing is a transport for reads with short responses. When its caller gives up, a read continues until its own
// time limit. Canceling the read would close its connection, so impatient clients could deprive all other clients of
// pooled connections. Responses are read to the end, or up to maxBuffered, before they are returned.
type finishing struct {
	*http.Transport
	reads *bounded.Slots
	work  *bounded.Work
}

// newFinishing returns a transport in which abandoned reads may use up to half of the connections.
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

// read makes the request and sends the response to the channel answered. It returns when the whole response has been
// buffered, the reader has closed the body, or one of the two contexts has ended.
func (f *finishing) read(ctx context.Context, request *http.Request, answered chan<- *http.Response) error {
	response, err := f.Transport.RoundTrip(request.WithContext(ctx)) //nolint:bodyclose // closed below
	if err != nil {
		return err
	}
	body := response.Body
	defer func() { _ = body.Close() }() // the reader has finished with the body
	whole, err := buffer(response)
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

// restOfBody is a response body that signals when its reader closes it.
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
