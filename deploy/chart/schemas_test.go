package chart

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// conform validates the manifests in a folder against the schemas of Kubernetes and of the custom resources in
// tools/schemas. A field that isn't in the schema is an error.
func conform(t *testing.T, folder string) {
	t.Helper()
	program, schemas := tool(t, "kubeconform"), writeSchemas(t)
	location := filepath.Join(schemas, "{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json")
	if _, failure := run(t, "", program, "-strict", "-schema-location", location, folder); failure != "" {
		t.Error(failure)
	}
}

// TestConform checks that conform's schemas reject unknown fields, wrong types and missing fields.
func TestConform(t *testing.T) {
	program := tool(t, "kubeconform")
	location := filepath.Join(writeSchemas(t), "{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json")
	const service = `{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80, targetPort: web}]}}`
	const route = `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a}, spec: {rules: [{backendRefs: [{name: a, port: 80}]}]}}`
	for _, c := range []struct{ name, manifest, old, new, want string }{
		{"a Service", service, "", "", ""},
		{"a number as a port", service, "web", "8000", ""},
		{"an unknown field", service, "spec: {", "spec: {port: 80, ", "'port'"},
		{"a wrong type", service, "port: 80", "port: eighty", "/spec/ports/0/port"},
		{"a custom resource", route, "", "", ""},
		{"an unknown field of a custom resource", route, "spec: {", "spec: {host: a, ", "'host'"},
		{"a missing field of a custom resource", route, "name: a, port", "port", "'name'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			manifest := strings.Replace(c.manifest, c.old, c.new, 1)
			output, _ := run(t, manifest, program, "-strict", "-schema-location", location, "-")
			if (c.want == "") != (output == "") || !strings.Contains(output, c.want) {
				t.Errorf("got %q, want a message that contains %q", output, c.want)
			}
		})
	}
}

// writeSchemas writes a JSON schema for each kind of object, as kubeconform expects them, and returns their folder.
func writeSchemas(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	modules := schemaModules(t)
	var swagger struct{ Definitions map[string]map[string]any }
	text := read(t, filepath.Join(modules["k8s.io/kubernetes"], "api", "openapi-spec", "swagger.json"))
	if err := json.Unmarshal([]byte(text), &swagger); err != nil {
		t.Fatal(err)
	}
	swagger.Definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = map[string]any{"type": []string{"string", "number"}}
	for _, definition := range swagger.Definitions {
		closeSchema(definition)
	}
	for name, definition := range swagger.Definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 {
			continue
		}
		kind := kinds[0].(map[string]any)
		needed := map[string]any{}
		collect(swagger.Definitions, name, needed)
		schema := map[string]any{"$ref": "#/definitions/" + name, "definitions": needed}
		writeSchema(t, folder, kind["group"].(string), kind["version"].(string), kind["kind"].(string), schema)
	}
	for _, file := range customDefinitions(t, modules) {
		writeCustomSchemas(t, folder, read(t, file))
	}
	return folder
}

// customDefinitions returns the files with the definitions of custom resources.
func customDefinitions(t *testing.T, modules map[string]string) (all []string) {
	t.Helper()
	for module, pattern := range map[string]string{
		"github.com/prometheus-operator/prometheus-operator": "example/prometheus-operator-crd/*_*.yaml",
		"sigs.k8s.io/gateway-api":                            "config/crd/standard/*_*.yaml",
		"github.com/chaos-mesh/chaos-mesh":                   "config/crd/bases/*.yaml",
		"github.com/cert-manager/cert-manager":               "deploy/crds/*_*.yaml",
	} {
		files, err := filepath.Glob(filepath.Join(modules[module], pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no %s: %v", module, pattern, err)
		}
		all = append(all, files...)
	}
	return all
}

// schemaModules downloads the modules in tools/schemas, and returns their folders.
func schemaModules(t *testing.T) map[string]string {
	t.Helper()
	output, failure := run(t, "", "go", "-C", filepath.Join("..", "..", "tools", "schemas"), "mod", "download", "-json")
	if failure != "" {
		t.Fatal(failure)
	}
	folders := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(output)); ; {
		var module struct{ Path, Dir string }
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			return folders
		} else if err != nil {
			t.Fatal(err)
		}
		folders[module.Path] = module.Dir
	}
}

// writeCustomSchemas writes the schemas of the custom resources that a manifest defines.
func writeCustomSchemas(t *testing.T, folder, manifest string) {
	t.Helper()
	for _, document := range documents(manifest) {
		var definition struct {
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Schema struct {
						OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(document), &definition); err != nil {
			t.Fatal(err)
		}
		for _, version := range definition.Spec.Versions {
			schema := version.Schema.OpenAPIV3Schema
			closeSchema(schema)
			writeSchema(t, folder, definition.Spec.Group, version.Name, definition.Spec.Names.Kind, schema)
		}
	}
}

func writeSchema(t *testing.T, folder, group, version, kind string, schema map[string]any) {
	t.Helper()
	if group == "" {
		group = version // as in kubeconform
	}
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s_%s_%s.json", strings.ToLower(kind), group, version)
	if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// closeSchema turns a schema of Kubernetes into a JSON schema that accepts no unknown fields.
func closeSchema(schema map[string]any) {
	delete(schema, "description")
	if schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string" {
		delete(schema, "format")
		delete(schema, "anyOf")
		schema["type"] = []string{"integer", "string"}
	}
	if schema["properties"] != nil && schema["additionalProperties"] == nil && schema["x-kubernetes-preserve-unknown-fields"] != true {
		schema["additionalProperties"] = false
	}
	for _, child := range children(schema) {
		closeSchema(child)
	}
}

// children returns the schemas within a schema.
func children(schema map[string]any) (all []map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(schema)) {
		switch child := schema[key].(type) {
		case map[string]any:
			switch key {
			case "properties":
				for _, property := range child {
					all = append(all, property.(map[string]any))
				}
			case "not", "default":
			default:
				all = append(all, child)
			}
		case []any:
			for _, item := range child {
				if item, ok := item.(map[string]any); ok && key != "allOf" && key != "anyOf" && key != "oneOf" {
					all = append(all, item)
				}
			}
		}
	}
	return all
}

// collect adds a definition, and all that it refers to, to needed.
func collect(definitions map[string]map[string]any, name string, needed map[string]any) {
	if needed[name] != nil {
		return
	}
	needed[name] = definitions[name]
	for _, child := range descendants(definitions[name]) {
		if ref, ok := child["$ref"].(string); ok {
			collect(definitions, strings.TrimPrefix(ref, "#/definitions/"), needed)
		}
	}
}

// descendants returns the schema and all schemas within it.
func descendants(schema map[string]any) []map[string]any {
	all := []map[string]any{schema}
	for _, child := range children(schema) {
		all = append(all, descendants(child)...)
	}
	return all
}
