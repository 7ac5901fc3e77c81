package httpserver

import (
	"net/http"
	"testing"
	"time"
)

// What a client doesn't read the kernel takes only up to a limit, so that a write waits for no more than that: one that
// waits for megabytes to be sent can't tell a slow client from one that has stopped reading.
func TestStreamLimitsUnsent(t *testing.T) {
	const most = 1 << 20 // of its own accord the kernel takes several times as much
	cfg := settings()
	cfg.WriteTimeout = 500 * time.Millisecond
	taken := make(chan int, 1)
	server, _ := serving(t, cfg, route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		stream, part, total := NewStream(w, r), make([]byte, 32<<10), 0
		for stream.Write(part) == nil {
			total += len(part)
		}
		taken <- total
		return nil
	}))
	send(t, dialSmall(t, server), "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	if got := within(t, "the client is dropped", taken); got > most {
		t.Errorf("%d bytes were taken for a client that doesn't read", got)
	}
}
