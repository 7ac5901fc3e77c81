package chart

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// kustomizations is the folder of the kustomizations.
var kustomizations = filepath.Join("..", "kustomize")

// TestKustomize checks that the objects of the kustomizations are rendered from the chart, with the values beside them, and
// that kustomize builds from each overlay exactly what the chart renders with its values.
func TestKustomize(t *testing.T) {
	base := rendered(t, "base")
	writeObjects(t, "base", base)
	for _, overlay := range []string{"overlays/local", "overlays/production"} {
		want := rendered(t, overlay)
		added := map[string]any{}
		for id, object := range want {
			if base[id] == nil {
				added[id] = object
			}
		}
		writeObjects(t, overlay, added)
		t.Run(overlay, func(t *testing.T) {
			built, failure := run(t, "", tool(t, "kustomize"), "build", filepath.Join(kustomizations, overlay))
			if failure != "" {
				t.Fatal(failure)
			}
			if diff := cmp.Diff(want, parse(t, built)); diff != "" {
				t.Errorf("the chart (-) and the kustomization (+) differ:\n%s", diff)
			}
		})
	}
}

// rendered returns the objects that the chart renders with the values of a kustomization, without the tests.
func rendered(t *testing.T, folder string) map[string]any {
	t.Helper()
	values := read(t, filepath.Join(kustomizations, folder, "values.yaml"))
	manifests, failure := render(t, values, "--no-hooks")
	if failure != "" {
		t.Fatal(failure)
	}
	return parse(t, manifests)
}

// parse returns the objects by kind and name, without the labels that say that Helm manages them.
func parse(t *testing.T, manifests string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, document := range documents(manifests) {
		var parsed struct {
			Kind     string
			Metadata struct{ Name string }
		}
		var object map[string]any
		for _, target := range []any{&parsed, &object} {
			if err := yaml.Unmarshal([]byte(document), target); err != nil {
				t.Fatal(err)
			}
		}
		labels := object["metadata"].(map[string]any)["labels"].(map[string]any)
		delete(labels, "helm.sh/chart")
		delete(labels, "app.kubernetes.io/managed-by")
		all[parsed.Kind+" "+parsed.Metadata.Name] = object
	}
	return all
}

// writeObjects compares the file resources.yaml of a kustomization with the objects, or writes it.
func writeObjects(t *testing.T, folder string, objects map[string]any) {
	t.Helper()
	documents := []string{"# Rendered from the chart with values.yaml: go test -C deploy ./chart -update\n"}
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		text, err := yaml.Marshal(objects[id])
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(text))
	}
	golden(t, filepath.Join(kustomizations, folder, "resources.yaml"), strings.Join(documents, "---\n"))
}
