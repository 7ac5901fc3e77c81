package overload

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// refusing starts a server that accepts only every n-th request.
func refusing(t *testing.T, n int64) (url string, asked, good *atomic.Int64) {
	t.Helper()
	asked, good = new(atomic.Int64), new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%n == 0 {
			good.Add(1)
			return
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked, good
}

func TestEveryRequestIsCounted(t *testing.T) {
	url, asked, good := refusing(t, 3)
	for _, l := range []load{{conns: 4}, {conns: 4, rate: 200}, {conns: 4, rate: 200, repeats: 3}} {
		asked.Store(0)
		good.Store(0)
		l.url, l.lasts = url, 300*time.Millisecond
		o, err := l.put(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sum := o.total()
		if got := len(sum.good) + sum.late; int64(got) != good.Load() || int64(got+sum.refused) != asked.Load() || sum.failed > 0 {
			t.Errorf("%s: counted %d good and %d refused, first failure %s; the server accepted %d of %d", l, got, sum.refused, o.first, good.Load(), asked.Load())
		}
		if got := asked.Load(); l.rate > 0 && l.repeats == 0 && int(got)+sum.dropped > 60 {
			t.Errorf("%d requests were sent and %d dropped, want at most 60 in total", got, sum.dropped)
		}
	}
}

// TestRefusedClients checks that a refused client either retries immediately or honours Retry-After, which exceeds the
// length of the test.
func TestRefusedClients(t *testing.T) {
	url, asked, _ := refusing(t, 1<<40)
	if _, err := (load{url: url, conns: 5, waits: true, lasts: 300 * time.Millisecond}).put(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 5 {
		t.Errorf("5 clients that honour Retry-After sent %d requests, want one each", n)
	}
	asked.Store(0)
	o, err := load{url: url, conns: 5, rate: 100, repeats: 3, lasts: 300 * time.Millisecond}.put(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n == 0 || n%4 != 0 || int(n) != o.total().refused {
		t.Errorf("clients that retry three times sent %d requests, want a multiple of 4, all of them counted as refused", n)
	}
}

func TestSettled(t *testing.T) {
	o := newOutcome(time.Now(), 5*slice)
	for i, took := range []time.Duration{time.Second, time.Millisecond, time.Second, time.Millisecond, time.Millisecond, time.Second} {
		o.parts[i].good = []time.Duration{took}
	}
	if got := o.settled(10 * time.Millisecond); got != 3*slice {
		t.Errorf("settled after %s, want %s", got, 3*slice)
	}
	o.parts[4].refused = 1
	if got := o.settled(10 * time.Millisecond); got != 5*slice {
		t.Errorf("settled after %s, want %s", got, 5*slice)
	}
}
