package bounded_test

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"superheroes/internal/bounded"
)

// goroutine returns the number of the calling goroutine.
func goroutine() string {
	trace := make([]byte, 64)
	return string(bytes.Fields(trace[:runtime.Stack(trace, false)])[1])
}

// Functions that run at the same time have goroutines of their own; of these, only a few are kept, and reused.
func TestWorkers(t *testing.T) {
	var workers bounded.Workers
	const crowd = 100
	var begun, done sync.WaitGroup
	begun.Add(crowd)
	done.Add(crowd)
	for range crowd {
		workers.Go(func() {
			defer done.Done()
			begun.Done()
			begun.Wait() // for all others
		})
	}
	done.Wait()
	var ran atomic.Int64
	used := map[string]bool{}
	for range crowd {
		name := make(chan string)
		workers.Go(func() {
			ran.Add(1)
			name <- goroutine()
		})
		used[<-name] = true
	}
	if len(used) > crowd/4 {
		t.Errorf("%d functions, one after another, used %d goroutines", crowd, len(used))
	}
	for range crowd {
		workers.Go(func() { ran.Add(1) })
	}
	workers.Close()
	if ran.Load() != 2*crowd {
		t.Errorf("%d of %d functions had run when Close returned", ran.Load(), 2*crowd)
	}
	if workers.Go(func() { t.Error("a function ran after Close") }) {
		t.Error("Go accepted a function after Close")
	}
}

// deep needs about as much stack as a query through a database driver.
//
//go:noinline
func deep(calls int) byte {
	var frame [256]byte
	if calls > 0 {
		frame[calls] = deep(calls - 1)
	}
	return frame[calls/2]
}

// BenchmarkWorkers compares a reused goroutine with a new one, for a function whose calls nest.
func BenchmarkWorkers(b *testing.B) {
	var workers bounded.Workers
	defer workers.Close()
	for name, start := range map[string]func(func()){
		"reused": func(f func()) { workers.Go(f) },
		"new":    func(f func()) { go f() },
	} {
		b.Run(name, func(b *testing.B) {
			done := make(chan struct{})
			for b.Loop() {
				start(func() {
					deep(20)
					done <- struct{}{}
				})
				<-done
			}
		})
	}
}
