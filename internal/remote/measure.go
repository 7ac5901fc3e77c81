package remote

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/telemetry"
)

// durations measures the calls to one peer. The zero value measures nothing.
type durations struct{ calls *telemetry.Vec[answered] }

// answered is the result of a call: the response's status, or 0 if there was none, and the kind of failure, or "".
type answered struct {
	method  string
	status  int
	failure string
}

// measure adds the metrics of the calls to a peer below base. Call it before the first call.
func (d *durations) measure(m *telemetry.Metrics, peer string, base *url.URL) {
	if m == nil {
		return
	}
	port := cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	d.calls = telemetry.NewVec(m, telemetry.HTTPClientDuration, func(a answered) []string {
		status := ""
		if a.status != 0 {
			status = strconv.Itoa(a.status)
		}
		return []string{peer, a.method, base.Hostname(), port, status, a.failure}
	})
}

// record records a call that has ended.
func (d *durations) record(method string, begun time.Time, status int, err error) {
	if d.calls == nil {
		return
	}
	a := answered{method: method, status: status}
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
	d.calls.Of(a).Observe(int64(time.Since(begun)))
}
