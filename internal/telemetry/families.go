package telemetry

import "time"

// The families of metrics. Names, units, labels and buckets of http.* and db.* are those of OpenTelemetry's semantic
// conventions 1.44.0, with more buckets below five milliseconds, since most of our requests take less. The names of the
// metrics of the Go runtime and the process (runtime.go) are those of Prometheus' client library for Go.

// Requests served.
var (
	// HTTPServerDuration has one series for each combination of route, method and result.
	HTTPServerDuration = &Family{
		Name: "http.server.request.duration", Type: HistogramType, Unit: "s",
		Help: "Duration of requests to the service's port. For redirects and client errors, the status is only 3xx or " +
			"4xx. HEAD counts as GET. Health checks and event streams aren't measured. Requests that match no route have " +
			"the method _OTHER and no route.",
		Labels: []string{"http.request.method", "url.scheme", "http.route", "http.response.status_code", "error.type"},
		Bounds: []float64{
			0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
		},
	}
	ClientErrors = counter("superheroes.client_errors", "{response}",
		"Responses with a status from 400 to 499, by status.", "http.response.status_code")
	LimitInFlight = gauge("superheroes.limit.in_flight", "{request}",
		"Requests in progress that count against the limit for their kind of work; for streams, the clients connected.", "kind")
	LimitCapacity = gauge("superheroes.limit.capacity", "{request}",
		"Current limit on concurrent requests for one kind of work.", "kind")
	LimitRefused = counter("superheroes.limit.refused", "{request}",
		"Requests rejected with a 503 because of the limit for their kind of work.", "kind")
	Connections        = gauge("superheroes.connections", "{connection}", "Open client connections.")
	ConnectionsRefused = counter("superheroes.connections.refused", "{connection}",
		"Client connections rejected because the maximum number was open and none could be closed.")
	ConnectionsEvicted = counter("superheroes.connections.evicted", "{connection}",
		"Idle client connections closed to make room for new ones.")
	Draining = gauge("superheroes.draining", "", "1 while the service is shutting down, otherwise 0.")
)

// Stores.
var (
	// DBClientDuration has one series for each combination of operation and kind of failure.
	DBClientDuration = &Family{
		Name: "db.client.operation.duration", Type: HistogramType, Unit: "s",
		Help:   "Duration of operations on the store, including the wait for a connection.",
		Labels: []string{"db.system.name", "db.collection.name", "db.operation.name", "db.query.summary", "error.type"},
		Bounds: []float64{0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10},
	}
	PoolConnections = gauge("db.client.connection.count", "{connection}",
		"Connections in the pool, by state: used or idle.", "db.client.connection.pool.name", "db.client.connection.state")
	PoolMax = gauge("db.client.connection.max", "{connection}",
		"Maximum size of the pool.", "db.client.connection.pool.name")
	PoolWaits = counter("superheroes.pool.waits", "{request}",
		"Operations that had to wait for a connection from the pool.", "db.client.connection.pool.name")
	PoolWaitTime = counter("superheroes.pool.wait.time", "s",
		"Total time that operations waited for a connection from the pool.", "db.client.connection.pool.name")
)

// PoolStats is the state of a connection pool.
type PoolStats struct {
	Idle, Used, Max int           // connections
	Waits           int64         // operations that had to wait for a connection
	Waited          time.Duration // total time they waited
}

// Pool adds the metrics of a connection pool.
func (m *Metrics) Pool(name string, read func() PoolStats) {
	m.Func(PoolConnections, func() float64 { return float64(read().Idle) }, name, "idle")
	m.Func(PoolConnections, func() float64 { return float64(read().Used) }, name, "used")
	m.Func(PoolMax, func() float64 { return float64(read().Max) }, name)
	m.Func(PoolWaits, func() float64 { return float64(read().Waits) }, name)
	m.Func(PoolWaitTime, func() float64 { return read().Waited.Seconds() }, name)
}

// Peers.
var (
	// HTTPClientDuration has one series for each combination of peer, method and result.
	HTTPClientDuration = &Family{
		Name: "http.client.request.duration", Type: HistogramType, Unit: "s",
		Help:   "Duration of calls to a peer, from sending the request to the end of the response.",
		Labels: []string{"peer", "http.request.method", "server.address", "server.port", "http.response.status_code", "error.type"},
		Bounds: HTTPServerDuration.Bounds,
	}
	BreakerState = gauge("superheroes.breaker.state", "",
		"State of the circuit breaker for a peer: 0 closed, 1 half-open, 2 open.", "peer")
	BreakerOpened = counter("superheroes.breaker.opened", "",
		"Number of times the circuit breaker for a peer has opened.", "peer")
	BreakerRefused = counter("superheroes.breaker.refused", "{request}",
		"Calls rejected because the circuit breaker for a peer was open.", "peer")
	PickBatchSize = &Family{
		Name: "superheroes.pick.batch.size", Type: HistogramType, Unit: "{pick}",
		Help: "Number of picks requested from a peer in one call, in the eco profile.", Labels: []string{"peer"}, Bounds: batchBounds,
	}
)

// Catalogs.
var (
	SnapshotAge = gauge("superheroes.snapshot.age", "s",
		"Time since the catalog's ids were last read or found unchanged. They are renewed only while items are being picked.")
	SnapshotIDs  = gauge("superheroes.snapshot.ids", "{row}", "Ids in memory.")
	SnapshotRows = gauge("superheroes.snapshot.rows", "{row}", "Rows in memory; always 0 in the strict profile.")
)

// Fights.
var (
	FightsAcknowledged = counter("superheroes.fights.acknowledged", "{fight}",
		"Fights since the process started that got a 200 response, because the store confirmed them in time.")
	FightsUncertain = counter("superheroes.fights.uncertain", "{fight}",
		"Fights since the process started that may have been stored even though the store didn't confirm them.")
	FightsStored = counter("superheroes.fights.stored", "{fight}",
		"Fights that the store has confirmed since the process started, including those whose client had given up.")
	FightsCounted = gauge("superheroes.fights.counted", "{fight}",
		"Fights included in the stored statistics: the exact total, which survives restarts, as of the previous scrape. It "+
			"belongs to the store, so every statistics service that shares the store reports the same value.")
	CommitBatchSize = &Family{
		Name: "superheroes.commit.batch.size", Type: HistogramType, Unit: "{fight}",
		Help: "Number of fights stored in one durable write.", Bounds: batchBounds,
	}
)

// The service itself.
var (
	BuildInfo = gauge("superheroes.build.info", "", "Version and profile of the service; always 1.",
		"version", "goversion", "profile")
	// SpansProcessed and SpansExported have the names that OpenTelemetry defines.
	SpansProcessed = counter("otel.sdk.processor.span.processed", "{span}",
		"Spans handed over for sending. The error type queue_full counts spans that were dropped because the queue for "+
			"the collector was full.", "error.type")
	SpansExported = counter("otel.sdk.exporter.span.exported", "{span}",
		"Spans sent to the collector. Those with an error type were not accepted.", "error.type")
	LogLines      = counter("superheroes.log.lines", "{line}", "Log lines that were written, by level.", "level")
	LogSuppressed = counter("superheroes.log.suppressed", "{line}",
		"Repeated warnings and errors that were counted and summarized instead of being written.")
)

// batchBounds are the bounds for batch sizes.
var batchBounds = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000}

// Group is a group of families under one heading in docs/metrics.md.
type Group struct {
	Title    string
	Families []*Family
}

// Groups returns all families.
func Groups() []Group {
	process := []*Family{processCPU, processStart, processResident, processVirtual, processOpenFDs, processMaxFDs, goInfo, &gcDuration}
	for _, s := range runtimeSeries {
		process = append(process, s.family)
	}
	return []Group{
		{"Requests served", []*Family{
			HTTPServerDuration, ClientErrors, LimitInFlight, LimitCapacity, LimitRefused,
			Connections, ConnectionsRefused, ConnectionsEvicted, Draining,
		}},
		{"Stores", []*Family{DBClientDuration, PoolConnections, PoolMax, PoolWaits, PoolWaitTime}},
		{"Peers", []*Family{HTTPClientDuration, BreakerState, BreakerOpened, BreakerRefused, PickBatchSize}},
		{"Catalogs", []*Family{SnapshotAge, SnapshotIDs, SnapshotRows}},
		{"Fights", []*Family{FightsAcknowledged, FightsUncertain, FightsStored, FightsCounted, CommitBatchSize}},
		{"The service", []*Family{BuildInfo, LogLines, LogSuppressed, SpansProcessed, SpansExported}},
		{"The process", process},
	}
}

func counter(name, unit, help string, labels ...string) *Family {
	return &Family{Name: name, Type: CounterType, Unit: unit, Help: help, Labels: labels}
}

func gauge(name, unit, help string, labels ...string) *Family {
	return &Family{Name: name, Type: GaugeType, Unit: unit, Help: help, Labels: labels}
}
