package sqltable

import (
	"database/sql"

	"superheroes/internal/telemetry"
)

// Measure adds the metrics of a pool.
func Measure(m *telemetry.Metrics, name string, pool *sql.DB) {
	m.Pool(name, func() telemetry.PoolStats {
		s := pool.Stats()
		return telemetry.PoolStats{
			Idle: s.Idle, Used: s.InUse, Max: s.MaxOpenConnections, Waits: s.WaitCount, Waited: s.WaitDuration,
		}
	})
}
