# Only make and Go are needed. `make test` lists what else it can use.

FUZZTIME ?= 10s
ACTIONLINT = go tool -modfile=tools/actionlint/go.mod actionlint
GOLANGCI = go tool -modfile=tools/golangci-lint/go.mod golangci-lint
GOVULNCHECK = go tool -modfile=tools/govulncheck/go.mod govulncheck

.DEFAULT_GOAL = help
.PHONY: help run build build-bench test load bench chaos mutants compose-test telemetry-tools telemetry-test chart-tools chart-test cluster-tools cluster-test snapshot lint vuln fuzz

help:
	@echo 'make run     start all services (ARGS="--help" for the flags)'
	@echo 'make build   build build/superheroes; make build-bench builds build/superheroes-bench'
	@echo 'make test    run all tests on real databases (ARGS="-run Fight ./internal/..." selects some)'
	@echo 'make load    load test of the whole system with k6 (ARGS="--rates 10,100")'
	@echo 'make bench   measure everything on this machine and write docs/performance.md; takes about 70 minutes (ARGS="--quick": 15)'
	@echo 'make chaos   inject faults under load, check that no fight is lost, and write docs/reliability.md (ARGS="--list", "--seed 7")'
	@echo 'make mutants inject small faults into the program, one at a time, and check that a test catches each; takes about 20 minutes'
	@echo 'make compose-test   test the containers on a real Docker engine: build, compose up, contract suite, k6, faults'
	@echo 'make telemetry-test   test metrics and traces with Prometheus, an OpenTelemetry collector and Jaeger; make telemetry-tools builds them'
	@echo 'make chart-test   test the Helm chart and the kustomizations with helm, kustomize and kubeconform; make chart-tools builds them'
	@echo 'make cluster-test   test the Helm chart on a Kubernetes node that it starts itself; make cluster-tools builds it, which takes about 20 minutes'
	@echo 'make snapshot   build the files of a release into dist/: archives, packages, bills of materials; takes about 15 minutes'
	@echo 'make lint    go vet, golangci-lint and actionlint'
	@echo 'make vuln    check for known vulnerabilities'
	@echo 'make fuzz    run each fuzz target for FUZZTIME=$(FUZZTIME)'

run:
	@echo 'Compiling; with an empty build cache, this takes one to two minutes.'
	go run ./cmd/superheroes $(ARGS)

build:
	CGO_ENABLED=0 go build -trimpath -o build/superheroes ./cmd/superheroes

build-bench:
	CGO_ENABLED=0 go build -C bench -trimpath -o ../build/superheroes-bench .

test:
	@go run ./test/run $(if $(ARGS),-- $(ARGS))

lint:
	go vet ./...
	CGO_ENABLED=0 go vet -C tools/ferretdb -tags ferretdb_no_postgresql .
	go vet -C bench ./...
	go vet -C deploy ./...
	$(GOLANGCI) run ./...
	cd bench && go tool -modfile=../tools/golangci-lint/go.mod golangci-lint run ./...
	cd deploy && go tool -modfile=../tools/golangci-lint/go.mod golangci-lint run ./...
	$(ACTIONLINT)

# k6 is built as a separate program, once: its licence (AGPL) lets us run it, but not link it.
build/k6: tools/k6/go.mod
	CGO_ENABLED=0 go build -modfile=tools/k6/go.mod -trimpath -o $@ go.k6.io/k6

load: build build-bench build/k6
	build/superheroes-bench load $(ARGS)

bench: build-bench
	@build/superheroes-bench report $(ARGS)

chaos:
	@go run ./test/chaos $(ARGS)

mutants:
	@go run ./test/mutants $(ARGS)

compose-test:
	@go run ./test/compose

# The programs that receive telemetry, each built once. Prometheus is built without service discovery, since the tests
# configure the addresses.
TELEMETRY_TOOLS = $(addprefix build/,prometheus promtool amtool otelcol jaeger)
BUILD_TOOL = CGO_ENABLED=0 go build -C $(<D) -trimpath -ldflags='-s -w' -o ../../$@

build/prometheus build/promtool: tools/prometheus/go.mod
	$(BUILD_TOOL) -tags remove_all_sd github.com/prometheus/prometheus/cmd/$(@F)

# Alertmanager itself can't be built, since its module lacks the web pages that it embeds. amtool checks its
# configuration.
build/amtool: tools/alertmanager/go.mod
	$(BUILD_TOOL) github.com/prometheus/alertmanager/cmd/amtool

build/otelcol: tools/collector/go.mod tools/collector/main.go
	$(BUILD_TOOL) .

build/jaeger: tools/jaeger/go.mod
	$(BUILD_TOOL) github.com/jaegertracing/jaeger/cmd/jaeger

telemetry-tools: $(TELEMETRY_TOOLS)

telemetry-test: $(TELEMETRY_TOOLS)
	@TEST_TELEMETRY_TOOLS=$(CURDIR)/build go run ./test/run -- ./test/telemetry/... ./deploy/...

CHART_TOOLS = $(addprefix build/,helm kubeconform kustomize)

build/helm: tools/helm/go.mod
	$(BUILD_TOOL) helm.sh/helm/v4/cmd/helm

build/kubeconform: tools/kubeconform/go.mod
	$(BUILD_TOOL) github.com/yannh/kubeconform/cmd/kubeconform

build/kustomize: tools/kustomize/go.mod
	$(BUILD_TOOL) sigs.k8s.io/kustomize/kustomize/v5

chart-tools: $(CHART_TOOLS)

chart-test: $(CHART_TOOLS)
	@TEST_CHART_TOOLS=$(CURDIR)/build go test -C deploy ./chart

# The programs of the node, each built once. They take their version from the linker, as in Kubernetes' own builds.
CLUSTER_TOOLS = $(addprefix build/,kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl coredns metrics-server kube-router)
KUBERNETES = $(shell sed -n 's|.*k8s.io/kubernetes v\([^ ]*\).*|\1|p' tools/kubernetes/go.mod)
KUBERNETES_VERSION = $(addprefix -X k8s.io/component-base/version.,gitVersion=v$(KUBERNETES) \
	gitMajor=$(word 1,$(subst ., ,$(KUBERNETES))) gitMinor=$(word 2,$(subst ., ,$(KUBERNETES))))

build/kube-apiserver build/kube-controller-manager build/kube-scheduler build/kubelet build/kube-proxy build/kubectl: tools/kubernetes/go.mod
	$(BUILD_TOOL) -ldflags='-s -w $(KUBERNETES_VERSION)' k8s.io/kubernetes/cmd/$(@F)

build/coredns: tools/coredns/go.mod tools/coredns/main.go
	$(BUILD_TOOL) .

build/metrics-server: tools/metrics-server/go.mod
	$(BUILD_TOOL) sigs.k8s.io/metrics-server/cmd/metrics-server

build/kube-router: tools/kube-router/go.mod
	$(BUILD_TOOL) github.com/cloudnativelabs/kube-router/v2/cmd/kube-router

cluster-tools: $(CLUSTER_TOOLS) $(CHART_TOOLS)

cluster-test: $(CLUSTER_TOOLS) $(CHART_TOOLS)
	@go run ./test/cluster $(ARGS)

snapshot:
	go tool -modfile=tools/goreleaser/go.mod goreleaser release --snapshot --clean

vuln:
	$(GOVULNCHECK) ./...
	$(GOVULNCHECK) -C bench ./...
	$(GOVULNCHECK) -C deploy ./...

# go test fuzzes one target of one package at a time. Its list names the targets of a package before
# the line that names the package. Up to Go 1.26, a target whose time is up may fail with "context deadline
# exceeded" although there is no failing input (go.dev/issue/75804).
fuzz:
	@for module in . bench; do \
	list=$$(go test -C $$module -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	echo "$$list" | { targets=; while read -r word package rest; do \
		case "$$word" in \
		Fuzz*) targets="$$targets $$word" ;; \
		ok) for target in $$targets; do \
				echo "$$package $$target"; failed=; \
				output=$$(go test -C $$module -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package" </dev/null 2>&1) || \
				case "$$output" in \
				*'Failing input written'*) failed=yes ;; \
				*'context deadline exceeded'*) ;; \
				*) failed=yes ;; \
				esac; \
				echo "$$output"; \
				[ -z "$$failed" ] || exit 1; \
			done; targets= ;; \
		esac; \
	done; } || exit 1; \
	done
