package remote

import (
	"sync"
	"time"
)

// breaker is the circuit breaker of one peer. It opens after so many failures in a row and then admits no call until the
// delay has passed. Then it is half-open: it admits one call, the trial, whose outcome alone decides whether it closes or
// stays open for another delay. The outcome of a call that began before it opened no longer counts.
//
// Whoever was admitted must call record, whatever happens; a trial that tells nothing makes room for the next one.
type breaker struct {
	failures uint // in a row that open it; 0 for never
	delay    time.Duration

	mu     sync.Mutex
	failed uint      // in a row
	until  time.Time // when it becomes half-open; zero while it is closed
	trying bool      // the trial is under way
	opened int       // how often it has opened
}

// permit is what an admitted call has from the breaker.
type permit struct {
	trial  bool
	opened int // how often the breaker had opened by then
}

// outcome is what a call tells about the peer.
type outcome int

const (
	unknown   outcome = iota // nothing: the call was cut short, or panicked
	succeeded                // the peer does its work
	failed                   // it doesn't
)

// refuses reports whether a call would not be admitted now.
func (b *breaker) refuses() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusing()
}

// refusing is refuses with the mutex held.
func (b *breaker) refusing() bool {
	return !b.until.IsZero() && (b.trying || time.Now().Before(b.until))
}

// admit reports whether a call may be made. If so, its outcome is to be recorded with the permit.
func (b *breaker) admit() (p permit, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refusing() {
		return permit{}, false
	}
	b.trying = !b.until.IsZero()
	return permit{b.trying, b.opened}, true
}

// record takes the outcome of a call that was admitted.
func (b *breaker) record(p permit, what outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.opened != b.opened {
		return
	}
	if p.trial {
		b.trying = false
	}
	switch what {
	case succeeded:
		b.failed, b.until = 0, time.Time{}
	case failed:
		b.failed++
		if b.failures > 0 && (p.trial || b.failed >= b.failures) {
			b.until = time.Now().Add(b.delay)
			b.opened++
		}
	}
}
