package telemetry

// The families of metrics, in the order of docs/metrics.md. Names, units, labels and buckets of http.*, db.* are those
// of OpenTelemetry's semantic conventions 1.44.0, with finer buckets below five milliseconds, since most of our requests
// take less. The names of the Go runtime and the process (runtime.go) are those of Prometheus' client library for Go.
var (
	// HTTPServerDuration has one series per route, method and status. Probes, scrapes and event streams aren't measured.
	HTTPServerDuration = &Family{
		Name: "http.server.request.duration", Type: HistogramType, Unit: "s",
		Help:   "Duration of HTTP requests served, from the first byte of the response's handler to the last.",
		Labels: []string{"http.request.method", "url.scheme", "http.route", "http.response.status_code", "error.type"},
		Bounds: []float64{
			0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
		},
	}

	// DBClientDuration has one series per operation of a store.
	DBClientDuration = &Family{
		Name: "db.client.operation.duration", Type: HistogramType, Unit: "s",
		Help:   "Duration of operations on the store, including the wait for a connection.",
		Labels: []string{"db.system.name", "db.collection.name", "db.operation.name", "error.type"},
		Bounds: []float64{0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10},
	}
	PoolConnections = gauge("db.client.connection.count", "{connection}",
		"Connections of the pool, by state.", "db.client.connection.pool.name", "db.client.connection.state")
	PoolMax     = gauge("db.client.connection.max", "{connection}", "Maximum size of the pool.", "db.client.connection.pool.name")
	PoolPending = gauge("db.client.connection.pending_requests", "{request}",
		"Operations that wait for a connection of the pool.", "db.client.connection.pool.name")

	// HTTPClientDuration has one series per peer and status, or kind of failure.
	HTTPClientDuration = &Family{
		Name: "http.client.request.duration", Type: HistogramType, Unit: "s",
		Help: "Duration of calls to peers, from sending the request to the end of the response.",
		Labels: []string{
			"http.request.method", "server.address", "server.port", "http.response.status_code", "error.type", "peer",
		},
		Bounds: HTTPServerDuration.Bounds,
	}
	BreakerState   = gauge("superheroes.breaker.state", "", "State of the circuit breaker of a peer: 0 closed, 1 half-open, 2 open.", "peer")
	BreakerOpened  = counter("superheroes.breaker.opened", "", "How often the circuit breaker of a peer has opened.", "peer")
	BreakerRefused = counter("superheroes.breaker.refused", "{request}",
		"Calls refused because the circuit breaker of a peer was open.", "peer")
	PickBatchSize = &Family{
		Name: "superheroes.pick.batch.size", Type: HistogramType, Unit: "{pick}",
		Help: "Picks requested from a peer in one call.", Labels: []string{"peer"}, Bounds: batchBounds,
	}

	SnapshotAge = gauge("superheroes.snapshot.age", "s",
		"Time since the catalog's ids were last read, or last known to be unchanged. Nothing renews them while nobody picks.")
	SnapshotIDs  = gauge("superheroes.snapshot.ids", "{row}", "Ids in the catalog's index.")
	SnapshotRows = gauge("superheroes.snapshot.rows", "{row}", "Rows in memory; 0 in the strict profile.")

	FightsAcknowledged = counter("superheroes.fights.acknowledged", "{fight}",
		"Fights stored and acknowledged with a 200 since the start of the process.")
	FightsStored = counter("superheroes.fights.stored", "{fight}",
		"Fights that the store has confirmed since the start of the process, even if the client has given up.")
	FightsUncertain = counter("superheroes.fights.uncertain", "{fight}",
		"Fights that may have been stored although the store did not confirm them.")
	FightsCounted = counter("superheroes.fights.counted", "{fight}",
		"Fights in the stored statistics: exact, and kept across restarts.")
	CommitBatchSize = &Family{
		Name: "superheroes.commit.batch.size", Type: HistogramType, Unit: "{fight}",
		Help: "Fights stored in one durable write.", Bounds: batchBounds,
	}

	LogLines      = counter("superheroes.log.lines", "{line}", "Log lines written, by level.", "level")
	LogSuppressed = counter("superheroes.log.suppressed", "{line}",
		"Warnings and errors that were counted and summarized instead of written.")

	// LimitInFlight and the others have one series per kind of work that the service does: reads, fights (and picks),
	// lists, searches (and counts), streams (of events: its clients), writes and checks.
	LimitInFlight = gauge("superheroes.limit.in_flight", "{request}",
		"Requests in progress that count against the limit of their kind of work.", "kind")
	LimitCapacity = gauge("superheroes.limit.capacity", "{request}",
		"Current limit on concurrent requests of a kind of work.", "kind")
	LimitRefused = counter("superheroes.limit.refused", "{request}",
		"Requests refused with a 503 because of the limit of their kind of work.", "kind")

	BuildInfo = gauge("superheroes.build.info", "", "Version and profile of the service; always 1.", "version", "goversion", "profile")

	Connections        = gauge("superheroes.connections", "{connection}", "Open client connections.")
	ConnectionsRefused = counter("superheroes.connections.refused", "{connection}",
		"Client connections refused because the maximum number was open and none could be closed.")
	ConnectionsEvicted = counter("superheroes.connections.evicted", "{connection}",
		"Idle client connections closed to make room for new ones.")
	Draining = gauge("superheroes.draining", "", "1 while the service is shutting down, otherwise 0.")
)

// batchBounds are the bounds of batch sizes.
var batchBounds = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000}

func counter(name, unit, help string, labels ...string) *Family {
	return &Family{Name: name, Type: CounterType, Unit: unit, Help: help, Labels: labels}
}

func gauge(name, unit, help string, labels ...string) *Family {
	return &Family{Name: name, Type: GaugeType, Unit: unit, Help: help, Labels: labels}
}
