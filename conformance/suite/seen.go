package suite

import (
	"net/http"
	"strings"
	"sync"

	"superheroes/api"
	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
)

// seen checks every response of a service against this application's OpenAPI document and records the first one that
// deviates.
type seen struct {
	document *openapi.Document
	mu       sync.Mutex
	wrong    *rawhttp.Answer
	faults   []string
}

func newSeen(service string) (*seen, error) {
	text, err := api.Document(service)
	if err != nil {
		return nil, err
	}
	document, err := openapi.Parse(text)
	return &seen{document: document}, err
}

// take checks a response that a handler produced. take ignores server errors, responses to HEAD (which have no body),
// and rejections of oversized headers or a forbidden Host (which don't come from a handler).
func (s *seen) take(a rawhttp.Answer) {
	if a.Call.Method == http.MethodHead || a.Status >= http.StatusInternalServerError ||
		a.Status == http.StatusRequestHeaderFieldsTooLarge || a.Status == http.StatusMisdirectedRequest ||
		len(a.Call.Header) > tooLargeHeaders {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrong != nil {
		return
	}
	method := a.Call.Method
	if method == "" {
		method = http.MethodGet
	}
	faults := s.document.Faults(method, a.Call.Target, a.Status, a.Header.Get("Content-Type"), a.Body)
	if len(faults) > 0 {
		s.wrong, s.faults = &a, faults
	}
}

// check fails the clause if any response so far deviated from the document.
func (s *seen) check(c *check, service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrong != nil {
		c.require(false, *s.wrong, "what api/%s.json describes: %s", service, strings.Join(s.faults[:min(3, len(s.faults))], "; "))
	}
}
