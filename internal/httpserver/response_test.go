package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// After a stream, the connection has the timeouts of any other request.
func TestRequestAfterStream(t *testing.T) {
	streaming := get(func(w http.ResponseWriter, r *http.Request) error {
		stream := NewStream(w, r)
		for range 3 {
			if err := stream.Write(make([]byte, piece)); err != nil {
				return err
			}
		}
		return nil
	})
	server, _ := serving(t, settings(), streaming, route(http.MethodGet, "/ok", ok))
	c := dial(t, server)
	for target, size := range map[string]int{"/": 3 * piece, "/ok": len("{}"), "/?again": 3 * piece} {
		c.send(t, "GET "+target+" HTTP/1.1\r\nHost: test\r\n\r\n")
		if got, err := c.next(); err != nil || got.status != http.StatusOK || len(got.body) != size {
			t.Errorf("%s: got %d with %d bytes, %v", target, got.status, len(got.body), err)
		}
	}
}

func TestStreamDeadlineNeedsProgress(t *testing.T) {
	began := time.Now().Add(-time.Minute)
	x := &exchange{timeout: time.Hour, parent: t.Context(), deadline: began.Add(time.Hour)}
	stream := NewStream(httptest.NewRecorder(), httptest.NewRequestWithContext(x, http.MethodGet, "/", nil))
	deadline := func() time.Time {
		step, cancel := stream.Step()
		defer cancel()
		at, _ := step.Deadline()
		return at
	}
	for range 2 {
		if first := deadline(); !first.Equal(x.deadline) {
			t.Errorf("until the first write of a request that waited, a step has until %v, want %v", first, x.deadline)
		}
	}
	if err := stream.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if later := deadline(); !later.After(x.deadline) {
		t.Errorf("after a write the deadline is %v, want one after %v", later, x.deadline)
	}
}
