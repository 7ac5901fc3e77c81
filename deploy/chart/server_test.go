package chart

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// dryRun creates the objects in a folder on the API server that TEST_KUBECONFIG describes, without storing them. Unlike
// schemas, the server also checks values against each other, and pods against the standard restricted. A warning is an error.
func dryRun(t *testing.T, folder string) {
	t.Helper()
	config := os.Getenv("TEST_KUBECONFIG")
	if config == "" {
		t.Skip("needs a cluster for tests, such as the one that `make cluster-test` starts")
	}
	kubectl := func(args ...string) string {
		output, failure := run(t, "", tool(t, "kubectl"), append([]string{"--kubeconfig", config}, args...)...)
		if failure != "" {
			t.Fatal(failure)
		}
		return output
	}
	for _, file := range customDefinitions(t, schemaModules(t)) {
		if regexp.MustCompile(`_(servicemonitors|prometheusrules|httproutes)\.yaml$`).MatchString(file) {
			kubectl("apply", "--server-side", "--filename", file)
			kubectl("wait", "--for", "condition=Established", "--filename", file)
		}
	}
	const namespace = "dry-run"
	kubectl("create", "namespace", namespace)
	kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
	kubectl("wait", "--for", "create", "serviceaccount/default", "--namespace", namespace)
	created := kubectl("create", "--namespace", namespace, "--dry-run=server", "--validate=strict", "--warnings-as-errors", "--output", "name", "--filename", folder)
	t.Logf("dry run: %d objects accepted", strings.Count(created, "\n"))
	kubectl("delete", "namespace", namespace)
}
