package httpserver

import (
	"net/http"
	"time"
)

// mostStreams is how many requests a client may have on an HTTP/2 connection at a time.
const mostStreams = 100

// receiveBuffer is how much an HTTP/2 client may send, on a connection or a stream, that no handler has read yet, in
// bytes. It is the least that HTTP/2 allows, and a whole body.
const receiveBuffer = 64 << 10

// speakBoth has a server answer HTTP/1.1 and, to clients that begin with it (prior knowledge), HTTP/2 on the same port. Of the
// server's own limits its time to read and to write a request hold for each HTTP/2 stream. A connection that takes
// nothing for writeTimeout is closed.
func speakBoth(server *http.Server, writeTimeout time.Duration) {
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          mostStreams,
		MaxReceiveBufferPerConnection: receiveBuffer,
		MaxReceiveBufferPerStream:     receiveBuffer,
		WriteByteTimeout:              writeTimeout,
	}
}

// http2Requests bounds the requests over HTTP/2 of all connections together to as many as there may be connections: as
// over HTTP/1, where each has one. A connection has mostStreams, and each that waits for its body takes memory.
func http2Requests(connections int) *slots {
	if connections == 0 {
		return nil
	}
	return newSlots(connections, 0)
}

// endsConnection reports whether no other request may follow on the request's connection, because client, server and what
// is between them might not agree on where it begins: after a request with a Transfer-Encoding, beside which a
// Content-Length is ignored. Of HTTP/1.0 net/http doesn't tell whether a request had one. In HTTP/2 there is none.
func endsConnection(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || r.ProtoMajor == 1 && r.ProtoMinor == 0
}
