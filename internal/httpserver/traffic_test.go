package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// TestTraffic checks the traffic that /healthz reports when it is requested at different times.
func TestTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, _ := measured(
			route(http.MethodGet, "/fast", ok),
			route(http.MethodGet, "/slow", func(w http.ResponseWriter, r *http.Request) error {
				time.Sleep(200 * time.Millisecond)
				return ok(w, r)
			}),
			route(http.MethodGet, "/broken", func(http.ResponseWriter, *http.Request) error { panic("test") }),
		)
		api.AddHealth(Health{Draining: func() bool { return false }})
		send := func(path string, times int) (body []byte) {
			for range times {
				answer := httptest.NewRecorder()
				api.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
				body = answer.Body.Bytes()
			}
			return body
		}
		check := func(at string, want *Traffic) {
			t.Helper()
			var status Status
			if err := json.Unmarshal(send("/healthz", 1), &status); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, status.Traffic); diff != "" {
				t.Errorf("%s: %s", at, diff)
			}
		}
		send("/fast", 9)
		check("just started", nil)
		time.Sleep(4 * time.Second)
		send("/broken", 1)
		send("/nowhere", 1)
		send("/readyz", 100)
		check("after 4 s", nil)
		time.Sleep(time.Second)
		check("after 5 s", &Traffic{Seconds: 5, Requests: 2.2, Errors: 0.2, P99: new(0.25)})
		send("/slow", 10)
		time.Sleep(2 * time.Second)
		check("after 9 s", &Traffic{Seconds: 9, Requests: 2.33, Errors: 0.11, P99: new(246.85)})
		time.Sleep(time.Second)
		check("after 10 s", &Traffic{Seconds: 5, Requests: 2, P99: new(248.5)})
		check("after 10 s, again", &Traffic{Seconds: 5, Requests: 2, P99: new(248.5)})
		time.Sleep(5 * time.Second)
		check("after 15 s", &Traffic{Seconds: 5})
		send("/fast", 1)
		time.Sleep(61 * time.Second)
		check("after a minute without requests for /healthz", nil)
		time.Sleep(5 * time.Second)
		check("5 s later", &Traffic{Seconds: 5})
	})
}

// TestNoTraffic checks that a service without metrics reports no traffic.
func TestNoTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, _ := newAPI(settings())
		api.AddHealth(Health{Draining: func() bool { return false }})
		time.Sleep(minPeriod)
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", http.NoBody))
		if got := answer.Body.String(); got != `{"status":"ok"}` {
			t.Errorf("got %s", got)
		}
	})
}
