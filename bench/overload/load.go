package overload

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"superheroes/bench/rawhttp"
)

// load describes a group of identical clients and how long they run.
type load struct {
	url     string
	conns   int
	rate    float64 // requests per second, sent on schedule; 0: a closed loop
	lasts   time.Duration
	repeats int  // how many times a refused client retries immediately
	waits   bool // closed loop: whether a refused client honours Retry-After
}

const path = "/api/fights/execute_fight"

// patience is how long a request waits for a free connection before it is dropped.
const patience = time.Second

// put applies the load to the service and returns the outcome.
func (l load) put(ctx context.Context) (*outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, l.lasts)
	defer cancel()
	o := newOutcome(time.Now(), l.lasts)
	due := make(chan time.Time, int(l.rate*patience.Seconds())+1)
	var clients sync.WaitGroup
	for range l.conns {
		conn, err := rawhttp.New(l.url, 10*time.Second)
		if err != nil {
			return nil, err
		}
		clients.Go(func() {
			defer conn.Close()
			if l.rate > 0 {
				l.serveArrivals(conn, due, o)
				return
			}
			l.loop(ctx, conn, o)
		})
	}
	if l.rate > 0 {
		l.arrive(ctx, due, o)
	}
	close(due)
	<-ctx.Done()
	clients.Wait()
	return o, nil
}

// arrive checks once per millisecond which requests are due and queues them. Requests are dropped while the queue is
// full.
func (l load) arrive(ctx context.Context, due chan<- time.Time, o *outcome) {
	for sent := 0; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for ; float64(sent) < l.rate*min(time.Since(o.begin), l.lasts).Seconds(); sent++ {
			at := o.begin.Add(time.Duration(float64(sent) / l.rate * float64(time.Second)))
			select {
			case due <- at:
			default:
				o.dropped(at)
			}
		}
	}
}

func (l load) serveArrivals(conn *rawhttp.Conn, due <-chan time.Time, o *outcome) {
	request := conn.Get(path)
	for at := range due {
		if time.Since(at) > patience {
			o.dropped(at)
			continue
		}
		for try := 0; ; try++ {
			answer, err := conn.Do(request)
			o.add(at, answer, err)
			if !refused(answer, err) || try == l.repeats {
				break
			}
		}
	}
}

func (l load) loop(ctx context.Context, conn *rawhttp.Conn, o *outcome) {
	request := conn.Get(path)
	for ctx.Err() == nil {
		at := time.Now()
		answer, err := conn.Do(request)
		o.add(at, answer, err)
		if l.waits && refused(answer, err) {
			select {
			case <-time.After(time.Duration(answer.RetryAfter) * time.Second):
			case <-ctx.Done():
			}
		}
	}
}

func refused(answer rawhttp.Answer, err error) bool {
	return err == nil && answer.Status == http.StatusServiceUnavailable && answer.RetryAfter > 0
}

func (l load) String() string {
	if l.rate == 0 {
		return fmt.Sprintf("closed loop, %d connections", l.conns)
	}
	return fmt.Sprintf("%.0f/s on up to %d connections", l.rate, l.conns)
}
