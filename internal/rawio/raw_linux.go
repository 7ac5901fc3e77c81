package rawio

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// mostRaw is the maximum number of bytes that are transferred between two ordinary calls.
const mostRaw = 64 << 10

// calls makes the raw system calls of a connection.
type calls struct {
	socket  syscall.RawConn // nil if conn isn't a socket
	look    func(socket uintptr)
	in, out direction
}

// New returns a connection that reads from and writes to conn. If conn isn't a socket, all calls are ordinary ones.
func New(conn net.Conn) *Conn {
	c := &Conn{Conn: conn}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return c
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return c // closed, as the first call will notice
	}
	c.socket, c.look = raw, c.in.look
	c.in.ready, c.in.call = raw.Read, c.in.read
	c.out.ready, c.out.call = raw.Write, c.out.write
	return c
}

// Read implements io.Reader.
func (c *Conn) Read(into []byte) (int, error) {
	n, ok, err := c.in.transfer(into)
	switch {
	case !ok:
		return c.Conn.Read(into)
	case err != nil:
		return n, c.failure("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements io.Writer.
func (c *Conn) Write(data []byte) (int, error) {
	n, ok, err := c.out.transfer(data)
	switch {
	case !ok:
		return c.Conn.Write(data)
	case err != nil:
		return n, c.failure("write", err)
	}
	return n, nil
}

// StillOpen reports whether the peer has neither closed the connection nor sent anything that hasn't been read, whatever
// the deadlines. For a connection that isn't a socket, it always returns true. It must not be called during a Read. Once
// it has returned false, the connection must not be used again.
func (c *Conn) StillOpen() bool {
	if c.socket == nil {
		return true
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.socket.Control(c.look) == nil && c.in.errno == syscall.EAGAIN
}

// failure makes err the error that package net would return. At the end of nearly every request, net/http aborts a pending
// read by setting a deadline, so for that error, failure changes err itself rather than allocate another.
func (c *Conn) failure(operation string, err error) error {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		op = &net.OpError{Net: c.LocalAddr().Network(), Err: os.NewSyscallError(operation, err)}
	}
	op.Op, op.Source, op.Addr = operation, c.LocalAddr(), c.RemoteAddr()
	return op
}

// direction makes the calls of one direction. Their arguments and results are fields, because variables of a closure
// would cost an allocation per call.
type direction struct {
	ready func(call func(uintptr) bool) error // Read or Write of syscall.RawConn; nil if conn isn't a socket
	call  func(socket uintptr) (done bool)    // the read or write method

	mu    sync.Mutex
	moved int // bytes since the last ordinary call
	data  []byte
	n     int
	errno syscall.Errno
}

// transfer repeats the call when the socket is ready, until the call is done, the deadline has passed, or the connection
// is closed. If ok is false, nothing was transferred, and the caller must make an ordinary call instead.
func (d *direction) transfer(data []byte) (n int, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ready == nil || len(data) == 0 {
		return 0, false, nil
	}
	if d.moved+len(data) > mostRaw {
		d.moved = 0
		return 0, false, nil
	}
	d.data, d.n, d.errno = data, 0, 0
	if err = d.ready(d.call); err == nil && d.errno != 0 {
		err = d.errno
	}
	d.data = nil
	d.moved += d.n
	return d.n, true, err
}

func (d *direction) read(socket uintptr) (done bool) {
	n, errno := rawCall(syscall.SYS_READ, socket, d.data)
	if errno == syscall.EAGAIN {
		return false
	}
	d.n, d.errno = max(n, 0), errno
	return true
}

func (d *direction) write(socket uintptr) (done bool) {
	for d.n < len(d.data) {
		n, errno := rawCall(syscall.SYS_WRITE, socket, d.data[d.n:])
		switch errno {
		case 0:
			d.n += n
		case syscall.EAGAIN:
			return false
		default:
			d.errno = errno
			return true
		}
	}
	return true
}

// look tries to read a byte, which does nothing if the connection is open and the peer has sent nothing.
func (d *direction) look(socket uintptr) {
	_, d.errno = rawCall(syscall.SYS_READ, socket, make([]byte, 1))
}

// rawCall calls read(2) or write(2) with data, which must not be empty.
func rawCall(number, socket uintptr, data []byte) (int, syscall.Errno) {
	start := unsafe.Pointer(unsafe.SliceData(data)) //nolint:gosec // the call takes an address, and data stays alive until it returns
	for {
		sent()
		n, _, errno := syscall.RawSyscall(number, socket, uintptr(start), uintptr(len(data)))
		received(socket)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
