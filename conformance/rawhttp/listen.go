package rawhttp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Listen sends the request once and reads a response that may be endless. Reading stops when enough returns true for
// the body received so far, when the response ends, or on timeout. The returned response contains the body received by
// then.
func (c *Client) Listen(ctx context.Context, call Call, enough func(body []byte) bool) (Answer, error) {
	if c.left.Add(-1) < 0 {
		return Answer{Call: call}, ErrTooMany
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return Answer{Call: call}, fmt.Errorf("connecting: %w", err)
	}
	defer func() { _ = conn.Close() }()
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	if _, err := io.WriteString(conn, call.bytes(c.base.Host)); err != nil {
		return Answer{Call: call}, fmt.Errorf("sending the request: %w", err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: call.method()})
	if err != nil {
		return Answer{Call: call}, fmt.Errorf("reading the response: %w", err)
	}
	defer func() {
		_ = conn.Close() // closed first, so that Body.Close does not read the rest of the body
		_ = response.Body.Close()
	}()
	answer := Answer{call, response.StatusCode, response.Header, nil}
	buffer := make([]byte, 4096)
	for !enough(answer.Body) && len(answer.Body) < maxAnswer {
		n, err := response.Body.Read(buffer)
		answer.Body = append(answer.Body, buffer[:n]...)
		if err != nil {
			break
		}
	}
	return answer, nil
}
