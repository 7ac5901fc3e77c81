package httpserver

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// from returns a request from the given address.
func from(ctx context.Context, addr string) *http.Request {
	return (&http.Request{RemoteAddr: addr}).WithContext(ctx)
}

func TestSlotsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 8)
		request := from(t.Context(), "192.0.2.1:1")
		s.enter(request)
		var order []int
		for i := range 6 {
			go func() {
				if s.enter(request) {
					order = append(order, i)
					s.leave(request)
				}
			}()
			synctest.Wait()
		}
		if len(order) > 0 {
			t.Errorf("%v came in beside another", order)
		}
		s.leave(request)
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(order, want) {
			t.Errorf("their turns were %v", order)
		}
	})
}

func TestSlotsWaitWithinTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 8)
		s.enter(from(t.Context(), ""))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		if s.enter(from(ctx, "")) || time.Since(begin) != 5*time.Second {
			t.Errorf("came in, or left after %s", time.Since(begin))
		}
		s.leave(from(ctx, ""))
		if s.running.Free() != 1 || s.waiting.Free() != 8 || len(s.queue) > 0 {
			t.Errorf("something is left: %+v", s)
		}
	})
}

func TestSlotsLeaveRoomForOtherAddresses(t *testing.T) {
	tests := []struct{ name, greedy, other string }{
		{"IPv4", "192.0.2.1:%d", "192.0.2.2:1"},
		{"IPv6, a network", "[2001:db8::%x]:1", "[2001:db8:0:1::1]:1"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:%d", "192.0.2.2:1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlots(4, 8)
				var in, out atomic.Int64
				for i := range 20 {
					go func() {
						if s.enter(from(t.Context(), fmt.Sprintf(test.greedy, i+1))) {
							in.Add(1)
						} else {
							out.Add(1)
						}
					}()
				}
				synctest.Wait()
				if in.Load() != 3 || out.Load() != 20-3-6 {
					t.Errorf("of one address %d came in and %d were refused, want 3, while 6 wait", in.Load(), out.Load())
				}
				other := from(t.Context(), test.other)
				if !s.enter(other) {
					t.Error("the last slot was refused to another address")
				}
				waits := make(chan bool)
				go func() { waits <- s.enter(other) }()
				synctest.Wait()
				s.leave(other)
				if !<-waits {
					t.Error("another address got no turn")
				}
				if in.Load() != 3 {
					t.Errorf("the slot of another address went to the one that has %d", in.Load())
				}
				for ; in.Load() > 0; in.Add(-1) {
					s.leave(from(t.Context(), fmt.Sprintf(test.greedy, 1)))
					synctest.Wait()
				}
			})
		})
	}
}
