package httpserver

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// enterAll tries to admit n requests, and returns how many were admitted.
func enterAll(o *overload, n int) (admitted int) {
	for range n {
		if o.admit() {
			admitted++
		}
	}
	return admitted
}

// end completes n requests, as successes if good is true, otherwise as failures.
func end(o *overload, n int, good bool) {
	for range n {
		if good {
			o.succeeded()
		}
		o.leave(nil)
	}
}

// overloaded returns an overload limiter in the state that a blocked store leaves behind: it admits only 128 requests,
// all of which are in flight.
func overloaded(t *testing.T) *overload {
	t.Helper()
	o := newOverload(5 * time.Second)
	if n := enterAll(o, 200); n != 200 {
		t.Fatalf("of a burst of 200 requests, %d were admitted", n)
	}
	time.Sleep(time.Second)
	if o.admit() {
		t.Fatal("a request was admitted even though 200 had been in flight for an interval")
	}
	end(o, 72, false)
	return o
}

func TestBurstsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOverload(5 * time.Second)
		for _, idle := range []time.Duration{0, 10 * time.Millisecond, time.Second, time.Hour} {
			time.Sleep(idle)
			if n := enterAll(o, burst); n != burst {
				t.Errorf("after %s: of a burst of %d requests, %d were admitted", idle, burst, n)
			}
			time.Sleep(900 * time.Millisecond)
			end(o, burst, true)
		}
	})
}

func TestBlockedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range 1000 { // fast failures don't raise the limit
			time.Sleep(10 * time.Millisecond)
			end(o, alwaysAdmitted, false)
			if n := enterAll(o, 2*alwaysAdmitted); n != alwaysAdmitted {
				t.Fatalf("with no requests in flight, %d were admitted, want 128", n)
			}
		}
		end(o, alwaysAdmitted, true) // the store is back
		if n := enterAll(o, 2*alwaysAdmitted); n != alwaysAdmitted {
			t.Errorf("with no requests in flight, %d were admitted, want 128", n)
		}
		end(o, alwaysAdmitted, false)
		time.Sleep(o.memory() + time.Millisecond)
		if n := enterAll(o, burst); n != burst {
			t.Errorf("after a pause: of a burst of %d requests, %d were admitted", burst, n)
		}
	})
}

// When the store recovers, the limit rises with the throughput at once.
func TestLimitGrowsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range 100 { // at least 128 concurrent requests, each of which takes 10 ms
			time.Sleep(10 * time.Millisecond)
			end(o, int(o.inFlight.Load()), true)
			enterAll(o, alwaysAdmitted+1)
		}
		n := enterAll(o, 5000)
		if n < 4000 {
			t.Errorf("%d more requests were admitted at a throughput of 12,800 per second, want 4000 or more", n)
		}
		end(o, n, true)
		time.Sleep(2 * o.memory()) // until the earlier throughput is forgotten
		enterAll(o, 2*alwaysAdmitted)
		time.Sleep(time.Second)
		if n := enterAll(o, 1); n > 0 {
			t.Error("a request was admitted even though 256 had been in flight for an interval")
		}
	})
}

// As long as at most 128 requests are in flight, none of them is refused.
func TestAlwaysAdmitted(t *testing.T) {
	o := newOverload(5 * time.Second)
	o.calm.Store(false) // no grace period: the limit is 128 from the start
	var clients sync.WaitGroup
	for range alwaysAdmitted {
		clients.Go(func() {
			for range 1000 {
				if !o.admit() {
					t.Error("a request was refused with at most 127 others in flight")
					return
				}
				o.leave(nil)
			}
		})
	}
	clients.Wait()
	if n := o.inFlight.Load(); n != 0 {
		t.Errorf("%d requests are still in flight at the end", n)
	}
}

func TestPausedIsNotInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range alwaysAdmitted {
			o.leave(nil)
		}
		if n := enterAll(o, 2*alwaysAdmitted); n != alwaysAdmitted {
			t.Errorf("with only paused requests, %d were admitted, want 128", n)
		}
		for range alwaysAdmitted {
			if !o.resume() {
				t.Fatal("an admitted request was refused after a pause")
			}
		}
		if o.admit() {
			t.Error("a request was admitted with 256 in flight")
		}
		o.inFlight.Store(maxInFlight)
		if o.resume() {
			t.Errorf("a paused request was resumed with %d others in flight", maxInFlight)
		}
	})
}

func TestRetryAfterIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		delays := func() map[time.Duration]int {
			seen := map[time.Duration]int{}
			for range 1000 {
				seen[o.retryAfter()]++
			}
			return seen
		}
		if seen := delays(); len(seen) != 2 || seen[time.Second] == 0 || seen[2*time.Second] == 0 {
			t.Errorf("initially, Retry-After took the values %v, want 1 s and 2 s", seen)
		}
		time.Sleep(time.Second)
		enterAll(o, 1)
		seen := delays()
		for after := time.Second; after <= 5*time.Second; after += time.Second {
			if seen[after] == 0 {
				t.Errorf("while no request completes, Retry-After is never %s: %v", after, seen)
			}
		}
		if len(seen) != 5 {
			t.Errorf("Retry-After is %v, want 1 s to 5 s", seen)
		}
	})
}

// A request waits briefly before it is refused, but not beyond its deadline, and is admitted if there is room after the
// wait.
func TestDelayBeforeRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		enter := func(parent context.Context, timeout time.Duration) bool {
			return o.enter(from(&exchange{parent: parent, deadline: time.Now().Add(timeout)}, ""))
		}
		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, leave)
		for _, c := range []struct {
			client           context.Context
			timeout, refused time.Duration
		}{
			{gone, time.Minute, time.Millisecond},
			{t.Context(), time.Minute, 250 * time.Millisecond},
			{t.Context(), 3 * time.Millisecond, 3 * time.Millisecond},
		} {
			begin := time.Now()
			if enter(c.client, c.timeout) || time.Since(begin) != c.refused {
				t.Errorf("admitted, or refused after %s, want a refusal after %s", time.Since(begin), c.refused)
			}
		}
		admitted := make(chan bool)
		go func() { admitted <- enter(t.Context(), time.Minute) }()
		synctest.Wait()
		end(o, 1, true)
		if !<-admitted {
			t.Error("a request was refused even though there was room after the wait")
		}
	})
}

func BenchmarkOverload(b *testing.B) {
	for name, inFlight := range map[string]int64{"up to 128": 0, "above 128": 1000, "refused": maxInFlight} {
		b.Run(name, func(b *testing.B) {
			o := newOverload(time.Minute)
			o.graceEnds = time.Now().Add(time.Hour)
			o.calm.Store(false)
			o.past[0] = window{end: time.Now().Add(time.Hour), completed: maxInFlight}
			o.known = maxInFlight
			o.inFlight.Store(inFlight)
			b.ReportAllocs()
			for b.Loop() {
				if o.admit() {
					o.succeeded()
					o.leave(nil)
				}
			}
		})
	}
}
