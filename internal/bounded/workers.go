package bounded

import "sync"

// Workers runs functions in goroutines that it reuses, the most recently used one first. A new goroutine starts with a
// small stack. When it calls into a database driver or an HTTP client, the runtime has to replace the stack two or three
// times by a larger one, which takes longer than everything else that is needed to start the goroutine
// (BenchmarkWorkers). The goroutines end when Close is called. The zero value is ready to use. Workers is safe for
// concurrent use.
type Workers struct {
	mu      sync.Mutex
	idle    []chan func() // one channel for each idle goroutine; the most recently used one last
	closed  bool
	running sync.WaitGroup
}

// mostIdle limits the number of idle goroutines. Each one keeps a stack of about 8 KiB.
const mostIdle = 8

// Go runs f, which must not panic, in another goroutine. It returns false, without running f, if Workers is closed.
func (w *Workers) Go(f func()) bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	if last := len(w.idle) - 1; last >= 0 {
		next := w.idle[last]
		w.idle = w.idle[:last]
		w.mu.Unlock()
		next <- f
		return true
	}
	w.running.Add(1)
	w.mu.Unlock()
	go w.run(f)
	return true
}

// run runs f, and then the functions that Go passes on while the goroutine is idle.
func (w *Workers) run(f func()) {
	defer w.running.Done()
	next := make(chan func(), 1)
	for more := true; more; f, more = <-next {
		f()
		if !w.rest(next) {
			return
		}
	}
}

// rest adds a goroutine to the idle ones, and returns false if it should end instead.
func (w *Workers) rest(next chan func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.idle) == mostIdle {
		return false
	}
	w.idle = append(w.idle, next)
	return true
}

// Close waits until all functions have returned and all goroutines have ended.
func (w *Workers) Close() {
	w.mu.Lock()
	w.closed = true
	for _, next := range w.idle {
		close(next)
	}
	w.idle = nil
	w.mu.Unlock()
	w.running.Wait()
}
