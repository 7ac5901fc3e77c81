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
			o.achieved()
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
		for range 100 { // one of them gives up each second, for as long as it lasts
			time.Sleep(time.Second)
			end(o, 1, false)
			if n := enterAll(o, 50); n != 1 {
				t.Fatalf("beside 127, %d were admitted, want 1", n)
			}
		}
		end(o, always, true) // the store is back
		if n := enterAll(o, always); n != always {
			t.Errorf("beside none, %d were admitted, want 128", n)
		}
	})
}

// A recovered store is used at once: the limit follows the throughput.
func TestLimitGrowsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range 100 { // 128 or more at a time, each within 10 ms
			time.Sleep(10 * time.Millisecond)
			end(o, int(o.underWay.Load()), true)
			enterAll(o, always+1)
		}
		n := enterAll(o, 5000)
		if n < 4000 {
			t.Errorf("%d more were admitted, where 12,800 a second are answered", n)
		}
		end(o, n, true)
		time.Sleep(2 * o.memory()) // throughput from then says nothing about now
		enterAll(o, 2*always)
		time.Sleep(time.Second)
		if n := enterAll(o, 1); n > 0 {
			t.Error("another one was admitted although more than 256 have waited for an interval")
		}
	})
}

// Fast failures don't raise the limit.
func TestFailuresRaiseNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			end(o, always, false)
			if n := enterAll(o, 2*always); n != always {
				t.Fatalf("%d were admitted, want 128", n)
			}
		}
	})
}

func TestOverloadEndsWithIdleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		end(o, always, false)
		time.Sleep(o.memory() + time.Millisecond)
		if n := enterAll(o, burst); n != burst {
			t.Errorf("later: of a burst of %d, %d were admitted", burst, n)
		}
	})
}

// Up to 128 concurrent requests are never refused because of each other.
func TestAlwaysAdmitted(t *testing.T) {
	o := newOverload(5 * time.Second)
	o.calm.Store(false) // a limit of 128 from the start
	var clients sync.WaitGroup
	for range always {
		clients.Go(func() {
			for range 1000 {
				if !o.admit() {
					t.Error("refused beside at most 127")
					return
				}
				o.leave(nil)
			}
		})
	}
	clients.Wait()
	if n := o.underWay.Load(); n != 0 {
		t.Errorf("%d are under way in the end", n)
	}
}

func TestPausedIsNotUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		for range always {
			o.leave(nil)
		}
		if n := enterAll(o, 2*always); n != always {
			t.Errorf("beside paused ones %d were admitted, want 128", n)
		}
		for range always {
			if !o.resume() {
				t.Fatal("an admitted one was refused after a pause")
			}
		}
		if o.admit() {
			t.Error("one was admitted beside 256")
		}
		o.underWay.Store(mostUnderWay)
		if o.resume() {
			t.Errorf("%d were under way and one more", mostUnderWay)
		}
	})
}

func TestRetryAfterIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		told := func() map[time.Duration]int {
			seen := map[time.Duration]int{}
			for range 1000 {
				seen[o.retryAfter()]++
			}
			return seen
		}
		if seen := told(); len(seen) != 2 || seen[time.Second] == 0 || seen[2*time.Second] == 0 {
			t.Errorf("initially, Retry-After is %v", seen)
		}
		time.Sleep(time.Second)
		enterAll(o, 1)
		seen := told()
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

// A request waits briefly before it is refused, and is admitted if there is room by then.
func TestHeldBeforeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := overloaded(t)
		begin := time.Now()
		if o.enter(from(t.Context(), "")) || time.Since(begin) != 250*time.Millisecond {
			t.Errorf("admitted, or refused after %s", time.Since(begin))
		}
		admitted := make(chan bool)
		go func() { admitted <- o.enter(from(t.Context(), "")) }()
		synctest.Wait()
		end(o, 1, true)
		if !<-admitted {
			t.Error("refused, where there is room")
		}
		hasty, cancel := context.WithTimeout(t.Context(), 3*time.Millisecond)
		defer cancel()
		begin = time.Now()
		if o.enter(from(hasty, "")) || time.Since(begin) != 3*time.Millisecond {
			t.Errorf("admitted, or refused after %s", time.Since(begin))
		}
	})
}

func BenchmarkOverload(b *testing.B) {
	for _, c := range []struct {
		name     string
		underWay int64
	}{{"up to 128", 0}, {"above 128", 1000}, {"refused", mostUnderWay}} {
		start := func() *overload {
			o := newOverload(time.Minute)
			o.graceEnds = time.Now().Add(time.Hour)
			o.calm.Store(false)
			o.past[0] = window{end: time.Now().Add(time.Hour), answered: mostUnderWay}
			o.known = mostUnderWay
			o.underWay.Store(c.underWay)
			return o
		}
		request := func(o *overload) {
			if o.admit() {
				o.achieved()
				o.leave(nil)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for o := start(); b.Loop(); {
				request(o)
			}
		})
		b.Run(c.name+" in parallel", func(b *testing.B) {
			b.ReportAllocs()
			o := start()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					request(o)
				}
			})
		})
	}
}
