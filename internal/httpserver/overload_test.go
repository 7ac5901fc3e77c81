package httpserver

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// enterAll makes n requests enter, and returns how many were admitted.
func enterAll(o *overload, n int) (admitted int) {
	for range n {
		if o.admit() {
			admitted++
		}
	}
	return admitted
}

// end makes n requests leave, as answered ones or as failures.
func end(o *overload, n int, good bool) {
	for range n {
		if good {
			o.succeeded()
		}
		o.leave(nil)
	}
}

// overloaded returns an overload whose store has been blocked for so long that no more than 128 are admitted; they
// are in flight.
func overloaded(t *testing.T) *overload {
	t.Helper()
	o := newOverload(5 * time.Second)
	if n := enterAll(o, 200); n != 200 {
		t.Fatalf("of a burst of 200, %d were admitted", n)
	}
	time.Sleep(time.Second)
	if o.admit() {
		t.Fatal("another one was admitted although 200 have waited for an interval")
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
				t.Errorf("after %s: of a burst of %d, %d were admitted", idle, burst, n)
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
				t.Fatalf("with none in flight, %d were admitted, want 128", n)
			}
		}
		end(o, alwaysAdmitted, true) // the store is back
		if n := enterAll(o, 2*alwaysAdmitted); n != alwaysAdmitted {
			t.Errorf("with none in flight, %d were admitted, want 128", n)
		}
		end(o, alwaysAdmitted, false)
		time.Sleep(o.memory() + time.Millisecond)
		if n := enterAll(o, burst); n != burst {
			t.Errorf("after a pause: of a burst of %d, %d were admitted", burst, n)
		}
	})
}

// A recovered store is used at once: the limit follows the throughput.
func TestLimitGrowsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range 100 { // 128 or more at a time, each within 10 ms
			time.Sleep(10 * time.Millisecond)
			end(o, int(o.inFlight.Load()), true)
			enterAll(o, alwaysAdmitted+1)
		}
		n := enterAll(o, 5000)
		if n < 4000 {
			t.Errorf("%d more were admitted, where 12,800 a second are answered", n)
		}
		end(o, n, true)
		time.Sleep(2 * o.memory()) // throughput from then says nothing about now
		enterAll(o, 2*alwaysAdmitted)
		time.Sleep(time.Second)
		if n := enterAll(o, 1); n > 0 {
			t.Error("another one was admitted although more than 256 have waited for an interval")
		}
	})
}

// Up to 128 concurrent requests are never refused because of each other.
func TestAlwaysAdmitted(t *testing.T) {
	o := newOverload(5 * time.Second)
	o.calm.Store(false) // a limit of 128 from the start
	var clients sync.WaitGroup
	for range alwaysAdmitted {
		clients.Go(func() {
			for range 1000 {
				if !o.admit() {
					t.Error("refused with at most 127 others")
					return
				}
				o.leave(nil)
			}
		})
	}
	clients.Wait()
	if n := o.inFlight.Load(); n != 0 {
		t.Errorf("%d are in flight in the end", n)
	}
}

func TestPausedIsNotInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range alwaysAdmitted {
			o.leave(nil)
		}
		if n := enterAll(o, 2*alwaysAdmitted); n != alwaysAdmitted {
			t.Errorf("with paused ones only, %d were admitted, want 128", n)
		}
		for range alwaysAdmitted {
			if !o.resume() {
				t.Fatal("an admitted one was refused after a pause")
			}
		}
		if o.admit() {
			t.Error("one was admitted with 256 in flight")
		}
		o.inFlight.Store(maxInFlight)
		if o.resume() {
			t.Errorf("%d were in flight and one more", maxInFlight)
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
			t.Errorf("initially, Retry-After is %v", seen)
		}
		time.Sleep(time.Second)
		enterAll(o, 1)
		seen := delays()
		for after := time.Second; after <= 5*time.Second; after += time.Second {
			if seen[after] == 0 {
				t.Errorf("while nothing is answered, Retry-After is never %s: %v", after, seen)
			}
		}
		if len(seen) != 5 {
			t.Errorf("Retry-After is %v", seen)
		}
	})
}

// A request waits briefly before it is refused, at most until its deadline, and is admitted if there is room by then.
func TestHeldBeforeRefused(t *testing.T) {
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
				t.Errorf("admitted, or refused after %s, want %s", time.Since(begin), c.refused)
			}
		}
		admitted := make(chan bool)
		go func() { admitted <- enter(t.Context(), time.Minute) }()
		synctest.Wait()
		end(o, 1, true)
		if !<-admitted {
			t.Error("refused, where there is room")
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
