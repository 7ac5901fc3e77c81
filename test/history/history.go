// Package history compares the responses that clients got with the stored fights, like Jepsen: every acknowledged fight
// must be stored as acknowledged, and every stored fight must have been acknowledged or have an unknown outcome. The
// package uses only the HTTP API, so it works with any store.
package history

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Outcome is what the client knows about the fight that it requested.
type Outcome int

const (
	// OK means that a complete response acknowledged the fight, which must be stored.
	OK Outcome = iota
	// Refused means that the fight must not be stored: either the response said that the fight was not stored, or the
	// request was never sent.
	Refused
	// Indeterminate means that the response was missing or incomplete, or said that the fight may have been stored.
	Indeterminate
)

// String returns the name of the outcome.
func (o Outcome) String() string { return [...]string{"ok", "refused", "indeterminate"}[o] }

// Operation is a request for a fight, with its outcome. The request is never repeated.
type Operation struct {
	// Hero is the name of the hero in the request, which is unique to this operation, or "" if the server picked the
	// fighters.
	Hero string
	// Began and Ended are the times of the request and of the outcome, measured from the start of the run.
	Began, Ended time.Duration
	// Answered reports whether there was a complete response of any kind.
	Answered bool
	Outcome  Outcome
	// ID and Answer are the id and the response body of an acknowledged fight.
	ID, Answer string
	// Status is the status code of the response. Detail is the detail of a problem response, or the client's error.
	Status int
	Detail string
}

// Took returns how long the client waited for the outcome.
func (o *Operation) Took() time.Duration { return o.Ended - o.Began }

// Judge records the outcome, given a complete response or err.
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

// neverSent reports whether the request was not sent because opening the connection failed.
func neverSent(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// refusal returns the outcome of a problem response. An internal error makes the outcome indeterminate.
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
