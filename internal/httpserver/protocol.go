package httpserver

import (
	"net/http"
	"time"
)

// maxStreams is the limit on concurrent requests per HTTP/2 connection.
const maxStreams = 100

// receiveBuffer limits the unread data that an HTTP/2 client may send on a connection or a stream, in bytes. It is the
// minimum that HTTP/2 allows, and large enough for a whole request body.
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

// http2Requests limits the total number of concurrent HTTP/2 requests to the maximum number of connections. HTTP/1
// needs no such limit, because a connection has only one request at a time. Without this limit every HTTP/2 connection
// could have maxStreams requests, each of which takes memory while it waits for its body.
func http2Requests(connections int) limiter {
	if connections == 0 {
		return nil
	}
	return newSlots(connections, 0)
}

// endsConnection reports whether the connection must close after this request, because the server and a proxy in front
// of it might disagree about where the next request begins. They might disagree if the request has a Transfer-Encoding,
// which overrides Content-Length. net/http doesn't expose the Transfer-Encoding of HTTP/1.0 requests, so all of them
// end their connections. HTTP/2 has no Transfer-Encoding.
func endsConnection(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || r.ProtoMajor == 1 && r.ProtoMinor == 0
}
