//go:build !linux

package measure

import (
	"os"
	"sync"
	"time"
)

// pacer waits until a given time, with the precision of the runtime's timers.
type pacer struct {
	once   sync.Once
	closed chan struct{}
}

func newPacer() (*pacer, error) { return &pacer{closed: make(chan struct{})}, nil }

// wait blocks until the given time. It returns os.ErrClosed once the pacer is closed.
func (p *pacer) wait(until time.Time) error {
	select {
	case <-time.After(time.Until(until)):
		return nil
	case <-p.closed:
		return os.ErrClosed
	}
}

// close wakes a goroutine that is blocked in wait.
func (p *pacer) close() { p.once.Do(func() { close(p.closed) }) }
