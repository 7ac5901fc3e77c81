package httpserver

import (
	"net/http"
	"time"
)

// maxStreams is the limit on concurrent requests of an HTTP/2 connection.
const maxStreams = 100

// receiveBuffer is how much unread data an HTTP/2 client may send on a connection or a stream, in bytes. It is
// HTTP/2's minimum, and fits a whole body.
const receiveBuffer = 64 << 10

// speakBoth makes a server accept HTTP/1.1 and, by prior knowledge, HTTP/2 on the same port. The server's read and
// write timeouts apply to each HTTP/2 stream. A connection that accepts no data for writeTimeout is closed.
func speakBoth(server *http.Server, writeTimeout time.Duration) {
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReceiveBufferPerConnection: receiveBuffer,
		MaxReceiveBufferPerStream:     receiveBuffer,
		WriteByteTimeout:              writeTimeout,
	}
}

// http2Requests limits the HTTP/2 requests of all connections together to the number of connections allowed, as over
// HTTP/1, where each has one at a time. A connection may have up to maxStreams, and each waiting for its body takes
// memory.
func http2Requests(connections int) limiter {
	if connections == 0 {
		return nil
	}
	return newSlots(connections, 0)
}

// endsConnection reports whether the connection must close after this request, because client, server and proxies
// between them might disagree about where the next one begins: that is after a Transfer-Encoding, which overrides a
// Content-Length. net/http doesn't expose Transfer-Encoding for HTTP/1.0, so any such request counts. HTTP/2 has
// none.
func endsConnection(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || r.ProtoMajor == 1 && r.ProtoMinor == 0
}
