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

// Pass calls the handler. The call is a span, like a call to another process.
func (l Local) Pass(w http.ResponseWriter, r *http.Request, _ bool) error {
	ctx, call := l.Tracer.Start(r.Context(), r.Method+" "+r.Pattern, telemetry.InternalSpan)
	defer call.End()
	l.Handler.ServeHTTP(w, r.WithContext(ctx))
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
