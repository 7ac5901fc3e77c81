package suite

import (
	"net/http"
	"strconv"

	"superheroes/conformance/rawhttp"
)

// guessClauses returns the clauses about wrong tokens. Other clients, or a previous run, may have sent wrong tokens
// within the last minute.
func guessClauses(r room) []Clause {
	return []Clause{
		{ID: "write.guesses", Text: `“after 10 wrong tokens in a minute wrong ones get 429 with Retry-After”`, hold: r.guesses},
		{ID: "write.guesses.right", Text: `“the right token is never slowed”, and a missing token gets a 401, even after wrong ones`, hold: r.guessesRight},
	}
}

const (
	maxGuesses  = 10
	guessWindow = 60 // seconds
)

// guess sends a request with a wrong token.
func (c *check) guess(r room) rawhttp.Answer {
	return c.do(r.service, rawhttp.Call{Method: http.MethodDelete, Target: r.path() + "/1", Header: "Authorization: Bearer " + c.token + "x\r\n"})
}

// guessTooOften sends wrong tokens, at most one more than the limit, until it gets a 429, and returns that response.
func (c *check) guessTooOften(r room) rawhttp.Answer {
	for range maxGuesses {
		if a := c.guess(r); a.Status == http.StatusTooManyRequests {
			return a
		}
	}
	a := c.guess(r)
	c.require(a.Status == http.StatusTooManyRequests, a, "429 after %d wrong tokens", maxGuesses)
	return a
}

func (r room) guesses(c *check) {
	a := c.guessTooOften(r)
	after, err := strconv.Atoi(a.Header.Get("Retry-After"))
	c.require(err == nil && after >= 1 && after <= guessWindow, a, "Retry-After of 1 to %d seconds, not %q", guessWindow, a.Header.Get("Retry-After"))
	c.require(text(c.object(a), "detail") != "", a, "detail in the body")
}

func (r room) guessesRight(c *check) {
	c.guessTooOften(r)
	m := c.create(r)
	defer c.remove(r, m)
	for range maxGuesses + 1 {
		a := c.do(r.service, rawhttp.Call{Method: http.MethodDelete, Target: m.path})
		c.require(a.Status == http.StatusUnauthorized, a, "401 without a token")
	}
	c.guess(r)
	patched := c.change(r, http.MethodPatch, m.path, object{})
	c.require(patched.Status == http.StatusOK, patched, "200 with the right token")
	c.stored(r, m, m.fields)
}
