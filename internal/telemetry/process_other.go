//go:build !unix

package telemetry

// addProcess adds nothing, because the metrics of the process are only known on Unix systems.
func (m *Metrics) addProcess() {}
