package httpserver

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"superheroes/test/await"
)

// The kernel buffers only a limited amount of unsent data, so that a write has to wait only until that amount has been
// sent. If a write had to wait until megabytes had been sent, a slow client would look as if it had stopped reading.
func TestStreamLimitsUnsent(t *testing.T) {
	const most = 1 << 20 // by default the kernel buffers several times this size
	cfg := settings()
	cfg.WriteTimeout = 500 * time.Millisecond
	taken := make(chan int, 1)
	server, _ := serving(t, cfg, get(func(w http.ResponseWriter, r *http.Request) error {
		stream, part, total := NewStream(w, r), make([]byte, 32<<10), 0
		for stream.Write(part) == nil {
			total += len(part)
		}
		taken <- total
		return nil
	}))
	dial(t, server, smallWindow).send(t, plainRequest)
	if got := await.Value(t, "the client is dropped", taken); got > most {
		t.Errorf("%d bytes were accepted for a client that doesn't read", got)
	}
}

// The kernel's send buffer is small for an event stream. Over HTTP/2 its size doesn't change, because other streams
// share the connection and the client controls the flow of each stream.
func TestEventsBufferLittle(t *testing.T) {
	for name, client := range map[string]*http.Client{"HTTP/1.1": client(), "HTTP/2": http2Client(t)} {
		t.Run(name, func(t *testing.T) {
			sizes := make(chan int, 2)
			server, _ := serving(t, settings(), get(func(w http.ResponseWriter, r *http.Request) error {
				conn := r.Context().Value(connKey{}).(syscall.Conn)
				sizes <- sendBuffer(t, conn)
				events := NewEvents(w, r)
				sizes <- sendBuffer(t, conn)
				return events.Send([]byte("data: 1\n\n"))
			}))
			do(t, client, newRequest(t, server, http.MethodGet, "/", http.NoBody))
			before, after := <-sizes, <-sizes
			if over2 := name == "HTTP/2"; over2 && after != before || !over2 && after > 2*eventBuffer { // Linux doubles the size
				t.Errorf("the send buffer is %d bytes, and was %d before NewEvents", after, before)
			}
		})
	}
}

func sendBuffer(t *testing.T, conn syscall.Conn) (size int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = raw.Control(func(socket uintptr) {
		size, err = syscall.GetsockoptInt(int(socket), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	})
	if err != nil {
		t.Error(err)
	}
	return size
}
