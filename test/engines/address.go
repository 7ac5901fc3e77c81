package engines

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"sync"
)

// claims are the UDP sockets that keep the ports of FreePort from other test processes until this one ends.
var claims struct { //nolint:gochecknoglobals // so are the ports: one set for each process
	sync.Mutex
	held []net.PacketConn
}

// FreePort returns a loopback TCP port that nobody listens on, and that no other test process is given as long as this one
// lives. It lies below the range from which operating systems take the ports of outgoing connections, so that a server
// which was stopped can come back on it.
func FreePort() (int, error) {
	const lowest, highest, tries = 20_000, 32_000, 100
	var config net.ListenConfig
	for range tries {
		port := lowest + rand.IntN(highest-lowest)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		claim, err := config.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			continue
		}
		listener, err := config.Listen(context.Background(), "tcp", address)
		if err != nil {
			_ = claim.Close() // nothing was sent
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("giving port %d back: %w", port, err)
		}
		claims.Lock()
		defer claims.Unlock()
		claims.held = append(claims.held, claim)
		return port, nil
	}
	return 0, errors.New("no free port on 127.0.0.1")
}

func loopbackURL(scheme string, port int, path string) *url.URL {
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: path}
}

// withDatabase returns the URL of another database on the same server.
func withDatabase(server, name string) (string, error) {
	location, err := url.Parse(server)
	if err != nil || location.Host == "" {
		// The URL itself stays out of the message, it may hold a password.
		return "", errors.New("the server's URL must look like scheme://user:password@host:port/")
	}
	location.Path = "/" + name
	return location.String(), nil
}
