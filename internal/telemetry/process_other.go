//go:build !unix

package telemetry

// addProcess adds nothing, because process metrics are available only on Unix systems.
func (m *Metrics) addProcess() {}
