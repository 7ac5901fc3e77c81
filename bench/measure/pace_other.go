//go:build !linux

package measure

import (
	"os"
	"sync"
	"time"
)

// pacer waits for moments, as exactly as the runtime does.
type pacer struct {
	once   sync.Once
	closed chan struct{}
}

func newPacer() (*pacer, error) { return &pacer{closed: make(chan struct{})}, nil }

// wait returns at that moment, at once when it is over, or with os.ErrClosed.
func (p *pacer) wait(until time.Time) error {
	select {
	case <-time.After(time.Until(until)):
		return nil
	case <-p.closed:
		return os.ErrClosed
	}
}

// close wakes who waits.
func (p *pacer) close() { p.once.Do(func() { close(p.closed) }) }
