// Package history compares what clients were told with what is stored, like Jepsen: every acknowledged fight is
// stored as acknowledged, and every stored fight was acknowledged or left indeterminate. It knows the HTTP API, but
// not how a fight is stored.
package history

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Outcome is what a client knows about its fight.
type Outcome int

const (
	// OK means acknowledged with a complete response. The fight must be stored.
	OK Outcome = iota
	// Refused means that the response promises that nothing was stored, or that the request was never sent. The fight
	// must not be stored.
	Refused
	// Indeterminate means no response, an incomplete one, or one that says that the fight may have been stored.
	Indeterminate
)

// String returns the outcome in a word.
func (o Outcome) String() string { return [...]string{"ok", "refused", "indeterminate"}[o] }

// Operation is one request for a fight. It is never repeated.
type Operation struct {
	// Hero is the name of the hero that was sent, unique to this operation, or "" if the server picked one.
	Hero string
	// Began and Ended are times since the start of the run.
	Began, Ended time.Duration
	// Answered reports whether there was a response of any kind.
	Answered bool
	Outcome  Outcome
	// ID and Answer describe an acknowledged fight.
	ID, Answer string
	// Status is the response's status. Detail is that of a refusal, or the client's error.
	Status int
	Detail string
}

// Took returns how long the client waited.
func (o *Operation) Took() time.Duration { return o.Ended - o.Began }

// Judge records the result: a complete response, or err.
func (o *Operation) Judge(status int, body []byte, err error) {
	o.Answered, o.Status = err == nil, status
	var answer struct {
		ID     string `json:"id"`
		Detail string `json:"detail"`
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	switch {
	case err != nil:
		o.Outcome, o.Detail = Indeterminate, err.Error()
		if neverSent(err) {
			o.Outcome = Refused
		}
	case status == http.StatusOK && answer.ID != "":
		o.Outcome, o.ID, o.Answer = OK, answer.ID, string(body)
	default:
		o.Outcome, o.Detail = refusal(status, answer.Detail), answer.Detail
	}
}

// neverSent reports whether no connection could be opened for the request.
func neverSent(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// refusal returns the outcome of a response without a fight. An unexpected 500 is indeterminate.
func refusal(status int, detail string) Outcome {
	switch {
	case strings.Contains(detail, "may have been stored"):
		return Indeterminate
	case strings.Contains(detail, "was not stored"):
		return Refused
	case status >= 400 && status != http.StatusInternalServerError:
		return Refused
	}
	return Indeterminate
}
