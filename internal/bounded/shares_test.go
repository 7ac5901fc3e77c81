package bounded_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/bounded"
)

// One client gets at most three quarters of the shares and of the queue, no matter which ports and which addresses in
// its network it uses. A second client gets the remaining shares, and is served next even though the first client's
// requests have waited longer.
func TestShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shares := bounded.NewShares(4, 8)
		const greedy, other = "[2001:db8::%x]:%[1]d", "[2001:db8:0:1::1]:1"
		var running, refused atomic.Int64
		for i := range 20 {
			go func() {
				if shares.Take(t.Context(), fmt.Sprintf(greedy, i+1)) {
					running.Add(1)
				} else {
					refused.Add(1)
				}
			}()
		}
		synctest.Wait()
		if running.Load() != 3 || refused.Load() != 20-3-6 {
			t.Errorf("one client has %d running and %d refused requests, want 3 and 11", running.Load(), refused.Load())
		}
		if !shares.Take(t.Context(), other) {
			t.Error("another client was refused the last share")
		}
		waits := make(chan bool)
		go func() { waits <- shares.Take(t.Context(), other) }()
		synctest.Wait()
		shares.Give(other)
		if !<-waits || running.Load() != 3 {
			t.Errorf("the free share went to the client that already holds %d, not to the other client", running.Load())
		}
		for ; running.Load() > 0; running.Add(-1) { // let all queued requests run
			shares.Give(fmt.Sprintf(greedy, 1))
			synctest.Wait()
		}
	})
}

func TestSharesInTurn(t *testing.T) {
	const client = "192.0.2.1:1"
	synctest.Test(t, func(t *testing.T) {
		shares := bounded.NewShares(1, 8)
		shares.Take(t.Context(), client)
		var order []int
		for i := range 6 {
			go func() {
				if shares.Take(t.Context(), client) {
					order = append(order, i)
					shares.Give(client)
				}
			}()
			synctest.Wait()
		}
		if len(order) > 0 {
			t.Errorf("requests %v ran while the only share was taken", order)
		}
		hasty, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		if shares.Take(hasty, "") || time.Since(begin) != 5*time.Second {
			t.Errorf("Take got a share that was in use, or gave up after %s, want 5s", time.Since(begin))
		}
		shares.Give(client)
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(order, want) {
			t.Errorf("requests ran in the order %v", order)
		}
		if !shares.Take(hasty, "") {
			t.Error("a request that gave up still holds a share")
		}
	})
}

func TestClient(t *testing.T) {
	for at, want := range map[string]string{
		"127.0.0.1:1": "127.0.0.1", "[::ffff:10.1.2.3]:1": "10.1.2.3", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::",
		"[fe80::1%eth0]:1": "fe80::", "": "invalid IP", "<nil>": "invalid IP",
	} {
		if got := bounded.Client(at); got.String() != want {
			t.Errorf("%s: got %s, want %s", at, got, want)
		}
	}
}
