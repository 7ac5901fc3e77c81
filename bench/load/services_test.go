package load

import (
	"context"
	"net"
	"strconv"
	"testing"

	"superheroes/test/system"
)

// TestStartBesideAnother starts the program while all its default ports are in use.
func TestStartBesideAnother(t *testing.T) {
	program := system.Build(t)
	for port := 8000; port < 8010; port++ {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil { // otherwise it is already in use
			t.Cleanup(func() { _ = listener.Close() })
		}
	}
	running, err := start(t.Context(), program, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := running.count(context.Background()); err != nil || stored != 0 {
		t.Errorf("%d fights are stored, %v", stored, err)
	}
	if err := running.stop(); err != nil {
		t.Errorf("stopping it failed: %v", err)
	}
}
