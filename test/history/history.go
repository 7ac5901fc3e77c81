// Package history checks what clients were told against what is stored, as Jepsen does: every fight that was acknowledged is
// stored as it was answered, and nothing is stored that was neither acknowledged nor left open.
package history

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Outcome is what a client knows of its fight.
type Outcome int

const (
	// OK means acknowledged, with a whole answer. The fight must be stored.
	OK Outcome = iota
	// Refused means that nothing was stored, as the answer promises, or that the request was never sent. The fight must not be stored.
	Refused
	// Indeterminate means no answer, a broken one, or one that says that the fight may have been stored.
	Indeterminate
)

// String returns the outcome in a word.
func (o Outcome) String() string { return [...]string{"ok", "refused", "indeterminate"}[o] }

// Operation is one request for a fight. Nothing ever sends it again.
type Operation struct {
	// Hero is the name of the hero that was sent, which no other operation has; "" where the server picked one.
	Hero string
	// Began and Ended are times since the start of the run.
	Began, Ended time.Duration
	// Answered reports whether there was an answer of any kind.
	Answered bool
	Outcome  Outcome
	// ID and Answer are those of an acknowledged fight.
	ID, Answer string
	// Status, and Detail in a refusal, or the error that the client got.
	Status int
	Detail string
}

// Took is how long the client waited.
func (o *Operation) Took() time.Duration { return o.Ended - o.Began }

// Judge notes what came back: a whole answer, or err.
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

// neverSent reports whether there was no connection to send the request on.
func neverSent(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// refusal returns what an answer without a fight promises. An unexpected 500 promises nothing.
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
