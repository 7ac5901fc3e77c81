// This module pins the sources of the schemas that the tests of the Helm chart use. It has no code, so don't run go mod
// tidy.
module superheroes/tools/schemas

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/chaos-mesh/chaos-mesh v0.9.1-0.20260902003049-47411975a8cb
	github.com/prometheus-operator/prometheus-operator v0.85.0
	k8s.io/kubernetes v1.36.3
	sigs.k8s.io/gateway-api v1.6.3
)
