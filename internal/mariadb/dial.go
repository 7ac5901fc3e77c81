package mariadb

import (
	"context"
	"net"
	"syscall"

	"superheroes/internal/rawio"
)

// dial opens a connection for the driver, which limits the time that this takes.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return checked{rawio.New(conn)}, nil
}

// checked is a connection with a cheaper check of whether it is still open. The driver makes this check before it uses a
// connection again, by an ordinary system call on what SyscallConn returns.
type checked struct{ *rawio.Conn }

// SyscallConn makes the check itself, and fails if the connection isn't open any more. What it returns ignores the
// driver's own check.
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
