package remote

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/telemetry"
)

// observed measures and traces the calls to one peer. The zero value does neither.
type observed struct {
	calls  *telemetry.Vec[answered]
	tracer *telemetry.Tracer
	base   *url.URL
	port   string
}

// answered is a method and the result of a call: the response's status, or 0 if there was none, and the kind of
// failure, or "".
type answered struct {
	method  string
	status  int
	failure string
}

// measure adds the metrics of the calls to the peer with the given base URL. Call measure before calling the peer.
func (o *observed) measure(m *telemetry.Metrics, peer string, base *url.URL) {
	if m == nil {
		return
	}
	o.tracer, o.base = m.Tracer(), base
	o.port = cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	o.calls = telemetry.NewVec(m, telemetry.HTTPClientDuration, func(a answered) []string {
		status := ""
		if a.status != 0 {
			status = strconv.Itoa(a.status)
		}
		return []string{peer, a.method, base.Hostname(), o.port, status, a.failure}
	})
}

// observedCall is a call in progress.
type observedCall struct {
	*observed
	method string
	begun  time.Time
	span   *telemetry.Span
}

// begin begins a call to a path of the peer. The span's name contains the route instead of the path. The caller must
// call end, and use the returned context for the call.
func (o *observed) begin(ctx context.Context, method, route, path string) (context.Context, observedCall) {
	ctx, span := o.tracer.Start(ctx, "", telemetry.ClientSpan)
	if span != nil {
		span.Name = method + " " + route
		port, _ := strconv.Atoi(o.port)
		full := url.URL{Scheme: o.base.Scheme, Host: o.base.Host, Path: path} // without the user, the password and the query
		span.Set(slog.String("http.request.method", method), slog.String("url.full", full.String()),
			slog.String("url.template", route), slog.String("server.address", o.base.Hostname()), slog.Int("server.port", port))
	}
	return ctx, observedCall{o, method, time.Now(), span}
}

// end records a call that has ended. status is the response's, or 0 if there was none.
func (c observedCall) end(status int, err error) {
	if c.calls == nil {
		return
	}
	a := answered{method: c.method, status: status}
	switch {
	case status >= http.StatusBadRequest:
		a.failure = strconv.Itoa(status)
	case fight.IsTimeout(err):
		a.failure = "timeout"
	case errors.Is(err, context.Canceled):
		a.failure = "canceled"
	case err != nil:
		a.failure = "connection"
	}
	c.calls.Of(a).ObserveIn(int64(time.Since(c.begun)), c.span)
	if c.span == nil {
		return
	}
	if status != 0 {
		c.span.Set(slog.Int("http.response.status_code", status))
	}
	c.span.Fail(a.failure)
	c.span.End()
}
