package httpserver

import (
	"net/http"
)

// http2Client speaks HTTP/2 with prior knowledge.
func http2Client() *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: transport, Timeout: hang}
}
