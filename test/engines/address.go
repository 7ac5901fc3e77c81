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

// claims holds UDP sockets that reserve the ports returned by FreePort, so that other test processes can't get the same
// ports until this process exits.
var claims struct { //nolint:gochecknoglobals // ports are reserved for the whole process
	sync.Mutex
	held []net.PacketConn
}

// FreePort returns an unused loopback TCP port. No other test process gets the same port while this process is running.
// The port is below the range that operating systems use for outgoing connections, so that a stopped server can be
// restarted on the same port.
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
			_ = claim.Close() // no data was sent
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("releasing port %d: %w", port, err)
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

// withDatabase returns the URL of the named database on the same server as the database at the given URL.
func withDatabase(server, name string) (string, error) {
	location, err := url.Parse(server)
	if err != nil || location.Host == "" {
		// The error message omits the URL, because the URL may contain a password.
		return "", errors.New("the server's URL must look like scheme://user:password@host:port/")
	}
	location.Path = "/" + name
	return location.String(), nil
}
