package httpserver

import (
	"testing"
	"testing/synctest"
	"time"
)

// simulated is a service that processes one request at a time, with clients that send at a given rate. Time advances in
// steps of a millisecond. Clients give up at the deadline, so work on a late response is wasted.
type simulated struct {
	limit    *overload
	capacity float64 // requests per millisecond
	cost     float64 // cost of a refusal, as a multiple of a request's cost
	repeats  int     // how many times a refused client retries immediately

	queue   []job
	begun   float64 // work already done on the first job in the queue
	arrived float64
	again   []job // refused jobs to be sent again in the next step

	good, late, refused int
	longest             time.Duration
}

// job is a request.
type job struct {
	at      time.Time
	tries   int
	refused bool
}

const simulatedDeadline = 5 * time.Second

// run sends requests at the given rate per millisecond for the given time, and returns how many completed in time and
// how many were refused during that time.
func (s *simulated) run(lasts time.Duration, rate float64) (good, refused int) {
	good, refused = s.good, s.refused
	for range lasts / time.Millisecond {
		time.Sleep(time.Millisecond)
		s.step(rate)
	}
	return s.good - good, s.refused - refused
}

func (s *simulated) step(rate float64) {
	arrivals := s.again
	s.again = nil
	for s.arrived += rate; s.arrived >= 1; s.arrived-- {
		arrivals = append(arrivals, job{at: time.Now()})
	}
	for _, j := range arrivals {
		j.refused = !s.limit.admit()
		s.queue = append(s.queue, j)
	}
	for s.begun += s.capacity; len(s.queue) > 0; s.queue = s.queue[1:] {
		next := s.queue[0]
		work := 1.0
		if next.refused {
			work = s.cost
		}
		if s.begun < work {
			return
		}
		s.begun -= work
		s.done(next)
	}
	s.begun = 0 // idle
}

func (s *simulated) done(j job) {
	if j.refused {
		s.refused++
		s.limit.retryAfter()
		if j.tries < s.repeats {
			s.again = append(s.again, job{at: time.Now(), tries: j.tries + 1})
		}
		return
	}
	took := time.Since(j.at)
	s.longest = max(s.longest, took)
	if took > simulatedDeadline {
		s.late++
	} else {
		s.good++
		s.limit.succeeded()
	}
	s.limit.leave(nil)
}

// Under overload, the service completes nearly as many requests as its capacity allows, all of them in time. Soon after
// the overload, requests are neither refused nor delayed.
func TestOverloadSimulated(t *testing.T) {
	for _, c := range []struct {
		name     string
		capacity float64
		cost     float64
		repeats  int
		load     float64 // in capacities
		atLeast  float64 // minimum fraction of the capacity spent on successful requests; refusals use the rest
		settles  time.Duration
	}{
		{"strict", 1, 0.05, 0, 3, 0.85, 3 * time.Second},
		{"strict, a retry storm", 1, 0.05, 3, 2, 0.65, 8 * time.Second},
		{"eco", 15, 0.3, 0, 2, 0.5, 3 * time.Second},
		{"a slow store", 0.2, 0.01, 0, 3, 0.9, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &simulated{limit: newOverload(simulatedDeadline), capacity: c.capacity, cost: c.cost, repeats: c.repeats}
				s.run(10*time.Second, c.capacity/2)
				if s.refused+s.late > 0 {
					t.Fatalf("at half capacity, %d requests were refused and %d missed their deadline", s.refused, s.late)
				}
				const during = 20 * time.Second
				good, refused := s.run(during, c.load*c.capacity)
				share := float64(good) / (c.capacity * float64(during/time.Millisecond))
				t.Logf("completed in time: %.0f %% of the capacity; %d refused; the longest took %s", 100*share, refused, s.longest)
				if share < c.atLeast {
					t.Errorf("completed %.0f %% of the capacity in time, want %.0f %%", 100*share, 100*c.atLeast)
				}
				if s.longest > simulatedDeadline {
					t.Errorf("an admitted request took %s, longer than its deadline", s.longest)
				}
				s.run(c.settles, c.capacity/2)
				s.longest = 0
				if _, refused := s.run(20*time.Second, c.capacity/2); refused > 0 || s.longest > 10*time.Millisecond {
					t.Errorf("%s after the overload: %d refused, the longest took %s", c.settles, refused, s.longest)
				}
			})
		})
	}
}
