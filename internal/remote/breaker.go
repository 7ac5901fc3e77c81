package remote

import (
	"sync"
	"time"

	"superheroes/internal/telemetry"
)

// breaker is the circuit breaker of one peer. It opens after a number of consecutive failures and admits no call until
// the delay has passed. After the delay, the breaker is half-open: it admits one trial call, whose outcome decides
// whether it closes or stays open for another delay. Outcomes of calls that began before the breaker last opened are
// ignored.
//
// The outcome of every admitted call must be recorded. After a trial with an unknown outcome, the next call becomes
// the trial.
type breaker struct {
	failures uint // consecutive failures that open the breaker; 0 for never
	delay    time.Duration

	mu      sync.Mutex
	failed  uint      // consecutive failures
	until   time.Time // time at which the breaker becomes half-open; zero while it is closed
	trying  bool      // a trial call is in flight
	opened  int       // number of times the breaker has opened
	refused uint64    // calls rejected
}

// permit identifies an admitted call.
type permit struct {
	trial  bool
	opened int // value of breaker.opened at admission
}

// outcome classifies what a call reveals about the peer's health.
type outcome int

const (
	unknown   outcome = iota // the call was canceled or panicked, so it reveals nothing
	succeeded                // the peer works
	failed                   // the peer doesn't work
)

// refuses reports whether a call would be rejected now.
func (b *breaker) refuses() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusing()
}

// rejects is like refuses, and counts the call that is rejected.
func (b *breaker) rejects() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	refusing := b.refusing()
	if refusing {
		b.refused++
	}
	return refusing
}

// refusing is like refuses, but the caller must hold the mutex.
func (b *breaker) refusing() bool {
	return !b.until.IsZero() && (b.trying || time.Now().Before(b.until))
}

// admit reports whether a call may be made. If the call is admitted, the caller must pass the permit to record.
func (b *breaker) admit() (p permit, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refusing() {
		b.refused++
		return permit{}, false
	}
	b.trying = !b.until.IsZero()
	return permit{b.trying, b.opened}, true
}

// measure adds the metrics of the breaker for a peer.
func (b *breaker) measure(m *telemetry.Metrics, peer string) {
	m.Func(telemetry.BreakerState, func() float64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case b.until.IsZero():
			return 0
		case b.trying || !time.Now().Before(b.until):
			return 1
		}
		return 2
	}, peer)
	locked := func(read func() float64) func() float64 {
		return func() float64 {
			b.mu.Lock()
			defer b.mu.Unlock()
			return read()
		}
	}
	m.Func(telemetry.BreakerOpened, locked(func() float64 { return float64(b.opened) }), peer)
	m.Func(telemetry.BreakerRefused, locked(func() float64 { return float64(b.refused) }), peer)
}

// record records the outcome of an admitted call.
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
