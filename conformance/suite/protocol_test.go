package suite

import "net/http"

// wrongProtocol returns the faulty servers for the clauses about HTTP itself.
func wrongProtocol(get string) []wrong {
	return []wrong{
		{"http2", "HTTP/1.1 only", fault{http1: true}},
		{"http2", "another status", fault{after: in2(turn(404, 200))}},
		{"http2", "another body", fault{after: at(get, in2(replace("e", "E")))}},
		{"http2.streams", "250 of them", fault{streams: 250}},
		{"chunked", "the connection stays open", fault{keeps: true}},
		{"nosniff", "missing on errors", fault{after: func(e *exchange) {
			if e.status >= http.StatusBadRequest {
				e.response.Del("X-Content-Type-Options")
			}
		}}},
		{"nosniff", "missing on pages", fault{after: at("GET /docs", dropHeader("X-Content-Type-Options"))}},
	}
}

// in2 limits a change to requests over HTTP/2.
func in2(change func(*exchange)) func(*exchange) {
	return func(e *exchange) {
		if e.http2 {
			change(e)
		}
	}
}
