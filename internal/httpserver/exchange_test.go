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

// inExchange runs do in a synctest bubble with a request that has a minute left.
func inExchange(t *testing.T, do func(t *testing.T, x *exchange, leave context.CancelFunc)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(context.WithValue(t.Context(), clientKey{}, "its value"))
		defer leave()
		x := &exchange{requestInfo: requestInfo{id: "its id", parent: client}, deadline: time.Now().Add(time.Minute)}
		defer x.finish()
		do(t, x, leave)
	})
}

type clientKey struct{}

// A request's context must end in the same way whether or not anyone waited for it before.
func TestExchangeEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(x *exchange, leave context.CancelFunc)
		want error
	}{
		{"not yet", func(*exchange, context.CancelFunc) {}, nil},
		{"at its deadline", func(*exchange, context.CancelFunc) { time.Sleep(time.Minute); synctest.Wait() }, context.DeadlineExceeded},
		{"when the client leaves", func(_ *exchange, leave context.CancelFunc) { leave() }, context.Canceled},
		{"when it is answered", func(x *exchange, _ context.CancelFunc) { x.finish() }, context.Canceled},
	}
	for _, test := range tests {
		for _, waiting := range []bool{false, true} {
			name := test.name
			if waiting {
				name += ", while somebody waits"
			}
			t.Run(name, func(t *testing.T) {
				inExchange(t, func(t *testing.T, x *exchange, leave context.CancelFunc) {
					if waiting {
						x.Done()
					}
					test.end(x, leave)
					if err := x.Err(); !errors.Is(err, test.want) {
						t.Errorf("Err is %v, want %v", err, test.want)
					}
					select {
					case <-x.Done():
						if test.want == nil {
							t.Error("Done is closed")
						}
					default:
						if test.want != nil {
							t.Error("Done is not closed")
						}
					}
					if cause := context.Cause(x); !errors.Is(cause, test.want) {
						t.Errorf("its cause is %v, want %v", cause, test.want)
					}
				})
			})
		}
	}
}

// A child of a request's context ends with it and needs no goroutine to watch it: the bubble would not end.
func TestExchangeHasChildren(t *testing.T) {
	inExchange(t, func(t *testing.T, x *exchange, _ context.CancelFunc) {
		longer, cancel := context.WithTimeout(x, time.Hour)
		defer cancel()
		if at, _ := longer.Deadline(); !at.Equal(x.deadline) {
			t.Errorf("a child with an hour ends at %v, want %v", at, x.deadline)
		}
		begin := time.Now()
		<-longer.Done()
		if took := time.Since(begin); took != time.Minute || !errors.Is(longer.Err(), context.DeadlineExceeded) {
			t.Errorf("it ended after %s with %v", took, longer.Err())
		}
	})
	inExchange(t, func(t *testing.T, x *exchange, _ context.CancelFunc) {
		child, cancel := context.WithCancel(x)
		defer cancel()
		x.finish()
		if !errors.Is(child.Err(), context.Canceled) { // without a goroutine, it knows at once
			t.Errorf("the child of an answered request says %v", child.Err())
		}
	})
}

func TestExchangeValues(t *testing.T) {
	inExchange(t, func(t *testing.T, x *exchange, _ context.CancelFunc) {
		for _, when := range []string{"before somebody waits", "after"} {
			if got := x.Value(clientKey{}); got != "its value" || RequestID(x) != "its id" {
				t.Errorf("%s: the client's value is %v, the request's id %q", when, got, RequestID(x))
			}
			x.Done()
		}
	})
}

// However a request's context ends, and whoever observes it in whatever order, it never contradicts what it has
// reported before, like any context of the standard library.
func TestExchangeKeepsToWhatItSaid(t *testing.T) {
	steps := rapid.SliceOfN(rapid.SampledFrom([]string{
		"a minute passes", "the client leaves", "it is answered", "Err", "Cause", "AfterFunc",
	}), 1, 8)
	rapid.Check(t, func(rt *rapid.T) {
		drawn := steps.Draw(rt, "steps")
		inExchange(t, func(_ *testing.T, x *exchange, leave context.CancelFunc) {
			w := &witness{x: x}
			for _, step := range drawn {
				switch step {
				case "a minute passes":
					time.Sleep(time.Minute)
				case "the client leaves":
					leave()
				case "it is answered":
					x.finish()
				default:
					w.ask(step)
				}
				synctest.Wait()
			}
			for _, step := range []string{"Done", "Cause", "a child", "AfterFunc", "Err"} {
				w.ask(step)
				synctest.Wait()
			}
			w.ask("whether AfterFunc has run")
			if len(w.wrong) > 0 {
				rt.Errorf("%q", w.wrong)
			}
		})
	})
}

// witness queries a context and remembers the results.
type witness struct {
	x       *exchange
	said    error // the reported end, nil if none was reported
	ran     atomic.Int32
	pending int32 // functions that are to run when it has ended
	wrong   []string
}

func (w *witness) ask(what string) {
	var got error
	switch what {
	case "Err":
		got = w.x.Err()
	case "Cause":
		got = context.Cause(w.x)
	case "Done":
		select {
		case <-w.x.Done():
			got = w.x.Err()
			if got == nil {
				w.wrong = append(w.wrong, "it is done, without an error")
			}
		default:
		}
	case "a child":
		child, cancel := context.WithCancel(w.x)
		got = child.Err()
		cancel()
	case "AfterFunc":
		context.AfterFunc(w.x, func() { w.ran.Add(1) })
		w.pending++
		got = w.x.Err()
	default:
		got = w.x.Err()
		if ran := w.ran.Load(); got != nil && ran != w.pending || got == nil && ran != 0 {
			w.wrong = append(w.wrong, fmt.Sprintf("%d functions of %d have run, and it says %v", ran, w.pending, got))
		}
	}
	if w.said != nil && !errors.Is(got, w.said) {
		w.wrong = append(w.wrong, fmt.Sprintf("%s says %v after it was said %v", what, got, w.said))
	}
	w.said = cmp.Or(w.said, got)
}

// The same while the deadline passes, the client leaves and the response is sent concurrently.
func TestExchangeEndsOnce(t *testing.T) {
	for range 500 {
		client, leave := context.WithCancel(t.Context())
		x := &exchange{requestInfo: requestInfo{parent: client}, deadline: time.Now().Add(50 * time.Microsecond)}
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
				t.Fatalf("Err returned %v, and then %v", said, x.Err())
			}
		}
	}
}
