package mariadb

import (
	"context"
	"net"
	"syscall"

	"superheroes/internal/rawio"
)

// dial opens a connection for the driver, which limits the time that this takes. The driver switches on keep-alive only
// for a *net.TCPConn, but net.Dialer does so as well.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return checked{rawio.New(conn)}, nil
}

// checked makes the driver's check of idle connections cheaper. Before the driver uses a connection again, it calls
// SyscallConn, and reads from the result with an ordinary system call.
type checked struct{ *rawio.Conn }

// SyscallConn does the check itself, and fails if the connection is no longer open. The RawConn that it returns does
// nothing, so the driver's own check has no effect.
func (c checked) SyscallConn() (syscall.RawConn, error) {
	if !c.StillOpen() {
		return nil, net.ErrClosed
	}
	return nothing{}, nil
}

// nothing is a syscall.RawConn that does nothing.
type nothing struct{}

func (nothing) Control(func(uintptr)) error    { return nil }
func (nothing) Read(func(uintptr) bool) error  { return nil }
func (nothing) Write(func(uintptr) bool) error { return nil }
