package httpserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// inExchange runs do in a synctest bubble with a request whose deadline is a minute away.
func inExchange(t *testing.T, do func(t *testing.T, x *exchange, leave context.CancelFunc)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(context.WithValue(t.Context(), clientKey{}, "its value"))
		defer leave()
		x := &exchange{id: "its id", parent: client, deadline: time.Now().Add(time.Minute)}
		defer x.finish()
		do(t, x, leave)
	})
}

type clientKey struct{}

// A child of a request's context is canceled with its parent, without a goroutine that waits for the parent: such a
// goroutine would keep the synctest bubble from ending.
func TestExchangeChildren(t *testing.T) {
	inExchange(t, func(t *testing.T, x *exchange, _ context.CancelFunc) {
		for _, when := range []string{"before Done", "after Done"} {
			if got := x.Value(clientKey{}); got != "its value" || RequestID(x) != "its id" {
				t.Errorf("%s: got client value %v and request id %q", when, got, RequestID(x))
			}
			x.Done()
		}
		longer, cancel := context.WithTimeout(x, time.Hour)
		defer cancel()
		begin := time.Now()
		<-longer.Done()
		if took := time.Since(begin); took != time.Minute || !errors.Is(longer.Err(), context.DeadlineExceeded) {
			t.Errorf("a child with a timeout of an hour ended after %s with %v", took, longer.Err())
		}
	})
	inExchange(t, func(t *testing.T, x *exchange, _ context.CancelFunc) {
		child, cancel := context.WithCancel(x)
		defer cancel()
		x.finish()
		if !errors.Is(child.Err(), context.Canceled) { // the child is canceled at once, because no goroutine is involved
			t.Errorf("after the response, the child's Err returned %v", child.Err())
		}
	})
}

// Like a standard-library context, a request's context never changes the reason it reports, and reports only a reason
// that occurred. This holds no matter how the context ends and in which order its methods are called.
func TestExchangeNeverContradictsItself(t *testing.T) {
	steps := rapid.SliceOfN(rapid.SampledFrom([]string{
		"a minute passes", "the client leaves", "it gets its response", "Err", "Cause", "AfterFunc",
	}), 1, 8)
	rapid.Check(t, func(rt *rapid.T) {
		drawn := steps.Draw(rt, "steps")
		inExchange(t, func(_ *testing.T, x *exchange, leave context.CancelFunc) {
			w := &witness{x: x, reasons: map[error]bool{}}
			for _, step := range drawn {
				switch step {
				case "a minute passes":
					time.Sleep(time.Minute)
					w.reasons[context.DeadlineExceeded] = true
				case "the client leaves":
					leave()
					w.reasons[context.Canceled] = true
				case "it gets its response":
					x.finish()
					w.reasons[context.Canceled] = true
				default:
					w.ask(step)
				}
				synctest.Wait()
			}
			for _, step := range []string{"Done", "Cause", "a child", "AfterFunc", "Err", "functions"} {
				w.ask(step)
				synctest.Wait()
			}
			if len(w.wrong) > 0 {
				rt.Errorf("%q", w.wrong)
			}
		})
	})
}

// witness queries a context and checks that the results are consistent.
type witness struct {
	x       *exchange
	reasons map[error]bool // possible reasons why the context ended
	said    error          // the first reason that the context reported, or nil
	ran     atomic.Int32
	pending int32 // number of functions to run once the context has ended
	wrong   []string
}

func (w *witness) ask(what string) {
	got := w.x.Err()
	switch what {
	case "Cause":
		got = context.Cause(w.x)
	case "Done":
		select {
		case <-w.x.Done():
		default:
			got = nil
		}
	case "a child":
		child, cancel := context.WithCancel(w.x)
		got = child.Err()
		cancel()
	case "AfterFunc":
		context.AfterFunc(w.x, func() { w.ran.Add(1) })
		w.pending++
	case "functions":
		if ran := w.ran.Load(); got != nil && ran != w.pending || got == nil && ran != 0 {
			w.wrong = append(w.wrong, fmt.Sprintf("%d of %d functions have run and Err is %v", ran, w.pending, got))
		}
	}
	if w.said != nil && !errors.Is(got, w.said) || (got != nil) != (len(w.reasons) > 0) || got != nil && !w.reasons[got] {
		w.wrong = append(w.wrong, fmt.Sprintf("%s reports %v after an earlier %v; possible reasons: %v", what, got, w.said, w.reasons))
	}
	w.said = cmp.Or(w.said, got)
}

// A request's context never contradicts itself when the deadline passes, the client leaves and the response is sent
// concurrently.
func TestExchangeEndsOnce(t *testing.T) {
	for range 500 {
		client, leave := context.WithCancel(t.Context())
		x := &exchange{parent: client, deadline: time.Now().Add(50 * time.Microsecond)}
		said := make([]error, 4)
		var all sync.WaitGroup
		all.Go(leave)
		all.Go(x.finish)
		for i := range said {
			all.Go(func() {
				for said[i] == nil {
					said[i] = x.Err()
				}
				if i%2 == 0 {
					<-x.Done()
				}
			})
		}
		all.Wait()
		for _, err := range append(said, context.Cause(x)) {
			if !errors.Is(err, x.Err()) {
				t.Fatalf("Err first returned %v, and later %v", said, x.Err())
			}
		}
	}
}
