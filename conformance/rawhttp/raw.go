package rawhttp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Raw sends arbitrary text instead of a request and returns what it receives until the server closes the connection, the
// exchange times out, or enough returns true for the data received so far.
func (c *Client) Raw(ctx context.Context, text string, enough func(got []byte) bool) ([]byte, error) {
	if c.left.Add(-1) < 0 {
		return nil, ErrTooMany
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer func() { _ = conn.Close() }()
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	if _, err := io.WriteString(conn, text); err != nil {
		return nil, fmt.Errorf("sending the request: %w", err)
	}
	var got []byte
	for buffer := make([]byte, 4096); !enough(got) && len(got) < maxAnswer; {
		n, err := conn.Read(buffer)
		got = append(got, buffer[:n]...)
		if err != nil { // it doesn't matter how the connection was closed
			return got, ctx.Err()
		}
	}
	return got, nil
}

// Host returns the value of the Host header in requests that don't set their own.
func (c *Client) Host() string { return c.base.Host }

// HTTP2 sends a GET request over HTTP/2, using TLS negotiation for https URLs and prior knowledge otherwise.
func (c *Client) HTTP2(ctx context.Context, target string) (Answer, error) {
	call := Call{Target: target}
	if c.left.Add(-1) < 0 {
		return Answer{Call: call}, ErrTooMany
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP2(true)
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("/").String(), http.NoBody)
	if err != nil {
		return Answer{Call: call}, err
	}
	if request.URL, err = request.URL.Parse(target); err != nil {
		return Answer{Call: call}, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return Answer{Call: call}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	_ = response.Body.Close()
	if err == nil && response.ProtoMajor != 2 {
		err = fmt.Errorf("the response uses %s instead of HTTP/2", response.Proto)
	}
	return Answer{call, response.StatusCode, response.Header, body}, err
}
