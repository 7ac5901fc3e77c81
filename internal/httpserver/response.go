package httpserver

import (
	"net/http"
	"strconv"
	"strings"
)

// NoStore marks a response that must not be cached, such as a random pick.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// WriteJSON sends a 200 with a JSON body.
func WriteJSON(w http.ResponseWriter, body []byte) error {
	return WriteBytes(w, "application/json", body)
}

// WriteBytes sends a 200 with a body of the given type.
func WriteBytes(w http.ResponseWriter, contentType string, body []byte) error {
	return WriteStatus(w, http.StatusOK, contentType, body)
}

// WriteStatus sends a status and a body of the given type.
func WriteStatus(w http.ResponseWriter, status int, contentType string, body []byte) error {
	header := w.Header()
	header.Set("Content-Type", contentType)
	if len(body) > counted {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client is gone
	return nil
}

// counted is the maximum length, in bytes, of a body whose Content-Length net/http sets itself.
const counted = 2048

// UnknownPath is the detail of the 404 for a path without a route.
const UnknownPath = "there is nothing at this path"

// WriteHeader records the status of the response. It also replaces plain-text 404s, from the router and from
// third-party handlers, with problem responses.
func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	if status == http.StatusNotFound && strings.HasPrefix(x.Header().Get("Content-Type"), "text/plain") {
		x.drop = true
		x.status = status
		writeProblem(x.ResponseWriter, Errorf(status, UnknownPath).traced(x))
		return
	}
	if status >= http.StatusOK {
		x.status = status
		x.responding(x.status)
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.drop {
		return len(p), nil
	}
	if x.status == 0 {
		x.status = http.StatusOK
		x.responding(x.status)
	}
	return x.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }
