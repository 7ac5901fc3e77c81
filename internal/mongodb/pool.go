package mongodb

import (
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"superheroes/internal/telemetry"
)

// noticeable is the shortest wait for a connection that counts. A free connection is handed out faster.
const noticeable = 100 * time.Microsecond

// poolWatch follows the driver's pool, which has no statistics of its own. It is safe for concurrent use.
type poolWatch struct {
	most              int
	open, used, waits atomic.Int64
	waited            atomic.Int64 // in nanoseconds
}

// monitor returns the monitor for the driver.
func (p *poolWatch) monitor() *event.PoolMonitor { return &event.PoolMonitor{Event: p.on} }

func (p *poolWatch) on(e *event.PoolEvent) {
	switch e.Type {
	case event.ConnectionCreated:
		p.open.Add(1)
	case event.ConnectionClosed:
		p.open.Add(-1)
	case event.ConnectionCheckedOut:
		p.used.Add(1)
		p.wait(e.Duration)
	case event.ConnectionCheckOutFailed:
		p.wait(e.Duration)
	case event.ConnectionCheckedIn:
		p.used.Add(-1)
	}
}

func (p *poolWatch) wait(duration time.Duration) {
	if duration >= noticeable {
		p.waits.Add(1)
		p.waited.Add(int64(duration))
	}
}

// stats returns the current state of the pool.
func (p *poolWatch) stats() telemetry.PoolStats {
	used := p.used.Load()
	return telemetry.PoolStats{
		Idle: int(max(p.open.Load()-used, 0)), Used: int(used), Max: p.most,
		Waits: p.waits.Load(), Waited: time.Duration(p.waited.Load()),
	}
}
