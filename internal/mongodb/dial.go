package mongodb

import (
	"bufio"
	"context"
	"net"

	"superheroes/internal/rawio"
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
	raw := rawio.New(conn)
	return &readAhead{raw, bufio.NewReader(raw)}, nil
}

type readAhead struct {
	net.Conn
	in *bufio.Reader
}

func (c *readAhead) Read(into []byte) (int, error) { return c.in.Read(into) }
