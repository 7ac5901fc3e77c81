package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

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
			t.Errorf("before the first write, a step's deadline is %v, want the request's, %v", first, x.deadline)
		}
	}
	if err := stream.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if later := deadline(); !later.After(x.deadline) {
		t.Errorf("after a write, a step's deadline is %v, want a time after %v", later, x.deadline)
	}
}
