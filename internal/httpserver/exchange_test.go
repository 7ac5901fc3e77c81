package httpserver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// inExchange runs do in the bubble of a request that has a minute.
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

// Each end of a request's context must look the same whether somebody waited for it before or not.
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
							t.Error("it is done")
						}
					default:
						if test.want != nil {
							t.Error("it is not done")
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

// What is made from a request's context ends with it, and starts no goroutine to watch it: the bubble would not end.
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
		if !errors.Is(child.Err(), context.Canceled) { // without a goroutine's help it knows at once
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
