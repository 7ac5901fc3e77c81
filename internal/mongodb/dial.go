package mongodb

import (
	"bufio"
	"context"
	"net"
)

// dialer opens connections that read ahead. The driver reads the length of a message before the message itself, which
// would take two system calls.
type dialer struct{ net.Dialer }

// DialContext implements options.ContextDialer.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &readAhead{conn, bufio.NewReader(conn)}, nil
}

type readAhead struct {
	net.Conn
	in *bufio.Reader
}

func (c *readAhead) Read(into []byte) (int, error) { return c.in.Read(into) }
