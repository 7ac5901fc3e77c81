package arena

import (
	"context"
	"fmt"
	"net/http"

	"superheroes/internal/telemetry"
)

// Local is a service in this process, called without a socket.
type Local struct {
	Handler http.Handler
	Tracer  *telemetry.Tracer // the arena's; nil if tracing is off
}

// Pass calls the handler. The call is a span, like a call to another process, unless the response is a stream.
func (l Local) Pass(w http.ResponseWriter, r *http.Request, stream bool) error {
	if !stream {
		ctx, call := l.Tracer.Start(r.Context(), "", telemetry.InternalSpan)
		defer call.End()
		if call != nil {
			call.Name = r.Method + " " + r.Pattern
			r = r.WithContext(ctx)
		}
	}
	l.Handler.ServeHTTP(w, r)
	return nil
}

// Check calls the handler's /readyz.
func (l Local) Check(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil)
	if err != nil {
		return err
	}
	answer := &statusOnly{header: http.Header{}, status: http.StatusOK}
	l.Handler.ServeHTTP(answer, request)
	if answer.status != http.StatusOK {
		return fmt.Errorf("returned %d", answer.status)
	}
	return nil
}

// statusOnly is a response writer that records only the status code.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
