package httpserver

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// refusalTime is how long a refused client has to send its request and read the response.
	refusalTime = time.Second
	// maxRefusals is how many refused clients may use refusalTime at once. Clients beyond this number get the response
	// before they have sent a request; some clients ignore an early response.
	maxRefusals = 64
	// maxIgnored is how many bytes of a refused request are read and discarded: if a connection is closed with data
	// unread, the client may not receive the response.
	maxIgnored = 128 << 10
)

// refusal sends a response to each connection beyond the limit and closes it. It is safe for concurrent use.
type refusal struct {
	log      *slog.Logger
	most     int // the connection limit, for the log
	response []byte
	running  sync.WaitGroup

	mu   sync.Mutex
	open map[*net.TCPConn]struct{} // nil after close
}

func newRefusal(log *slog.Logger, most int) *refusal {
	body := `{"title":"Service Unavailable","status":503,"detail":"too many connections are open; retry later"}`
	response := fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\n"+
		"X-Content-Type-Options: nosniff\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s", ProblemType, len(body), body)
	return &refusal{log: log, most: most, response: response, open: map[*net.TCPConn]struct{}{}}
}

// goAway refuses an HTTP/2 connection. It consists of an empty SETTINGS frame and a GOAWAY frame with the code
// ENHANCE_YOUR_CALM, which says that no stream was processed.
const goAway = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x0b"

// send refuses the connection and closes it. It doesn't wait for the client.
func (r *refusal) send(conn *net.TCPConn) {
	r.log.Warn("too many connections: new ones are refused", "limit", r.most)
	_ = conn.SetDeadline(time.Now().Add(refusalTime))
	if r.begin(conn) {
		go r.converse(conn)
		return
	}
	_, _ = conn.Write(r.response) // the kernel buffers it
	_ = conn.Close()
}

// begin registers another conversation with a refused client if there is room, and reports whether it did.
func (r *refusal) begin(conn *net.TCPConn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil || len(r.open) >= maxRefusals {
		return false
	}
	r.open[conn] = struct{}{}
	r.running.Add(1)
	return true
}

// converse reads the start of the request, responds, and waits for the client to close.
func (r *refusal) converse(conn *net.TCPConn) {
	defer r.running.Done()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, conn)
		_ = conn.Close()
	}()
	begin := make([]byte, 512)
	n, _ := conn.Read(begin)
	response := r.response
	if bytes.HasPrefix(begin[:n], []byte(preface)) {
		response = []byte(goAway)
	}
	if _, err := conn.Write(response); err != nil || conn.CloseWrite() != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, conn, maxIgnored)
}

// close ends all conversations.
func (r *refusal) close() {
	r.mu.Lock()
	for conn := range r.open {
		_ = conn.SetDeadline(time.Unix(1, 0))
	}
	r.open = nil
	r.mu.Unlock()
	r.running.Wait()
}
