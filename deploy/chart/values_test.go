package chart

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func diff(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

// TestValues checks that values.yaml and the table in the chart's README match the descriptions and defaults in
// values.schema.json.
func TestValues(t *testing.T) {
	schema := parseSchema(t)
	values := "# The defaults of all values, generated from values.schema.json.\n"
	readme := "| value | default | meaning |\n|---|---|---|\n"
	for _, v := range schema.values(schema.root, "") {
		values += "\n" + v.yaml("")
		readme += v.rows()
	}
	golden(t, filepath.Join(chartFolder, "values.yaml"), values)
	path := filepath.Join(chartFolder, "README.md")
	block := regexp.MustCompile(`(?s)(<!-- values:begin.*? -->\n).*(<!-- values:end -->)`)
	golden(t, path, block.ReplaceAllString(read(t, path), "${1}"+strings.ReplaceAll(readme, "$", "$$")+"${2}"))
}

// TestImages checks that the chart bundles the same databases as compose.yml.
func TestImages(t *testing.T) {
	var values struct {
		Databases struct {
			Bundled struct{ Images map[string]string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chartFolder, "values.yaml"))), &values); err != nil {
		t.Fatal(err)
	}
	images := values.Databases.Bundled.Images
	if len(images) != 3 {
		t.Errorf("there are the images %v, want three", images)
	}
	compose := read(t, filepath.Join("..", "..", "compose.yml"))
	for _, image := range images {
		if !strings.Contains(compose, "image: "+image+"\n") {
			t.Errorf("compose.yml doesn't use %s", image)
		}
	}
}

// TestSchemaIsClosed checks that the schema describes every value, and accepts no key that it doesn't know, except where
// the keys are the user's: labels, annotations and environment variables.
func TestSchemaIsClosed(t *testing.T) {
	schema := parseSchema(t)
	var check func(path string, n node)
	check = func(path string, n node) {
		properties, additional := n.get("properties"), n.get("additionalProperties")
		if properties != nil && (additional == nil || additional.Value != "false") {
			t.Errorf("%s accepts unknown keys", path)
		}
		if typ := n.get("type"); typ != nil && typ.Value == "object" && properties == nil && additional == nil && path != ".properties.global" {
			t.Errorf("%s accepts any object", path)
		}
		for key, child := range n.children() {
			check(path+"."+key, child)
			if strings.HasSuffix(path, ".properties") && child.text("description") == "" {
				t.Errorf("%s.%s has no description", path, key)
			}
		}
		if n.Kind == yaml.SequenceNode {
			for i, child := range n.Content {
				check(fmt.Sprintf("%s[%d]", path, i), node{child})
			}
		}
	}
	check("", schema.root)
}

// schema is values.schema.json, parsed as YAML to keep the order of its keys.
type schema struct{ root node }

type node struct{ *yaml.Node }

func parseSchema(t *testing.T) schema {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chartFolder, "values.schema.json"))), &document); err != nil {
		t.Fatal(err)
	}
	return schema{node{document.Content[0]}}
}

// children iterates over the entries of a mapping, in order.
func (n node) children() func(yield func(string, node) bool) {
	return func(yield func(string, node) bool) {
		if n.Node == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, node{n.Content[i+1]}) {
				return
			}
		}
	}
}

// get returns the value of a key, or nil.
func (n node) get(key string) *yaml.Node {
	for name, child := range n.children() {
		if name == key {
			return child.Node
		}
	}
	return nil
}

func (n node) text(key string) string {
	if child := n.get(key); child != nil {
		return child.Value
	}
	return ""
}

// value is a value of the chart: either a leaf with a default, or a group of values.
type value struct {
	path, description string
	fallback          string // the default, as YAML on one line
	group             []value
}

func (v value) key() string { return v.path[strings.LastIndex(v.path, ".")+1:] }

// values returns the values that a schema describes, in order.
func (s schema) values(n node, prefix string) (all []value) {
	for key, child := range (node{s.resolve(n, "properties")}).children() {
		v := value{path: prefix + key, description: child.text("description")}
		if fallback := child.get("default"); fallback != nil {
			v.fallback = oneLine(fallback)
		} else {
			v.group = s.values(child, v.path+".")
		}
		all = append(all, v)
	}
	return all
}

// resolve returns the value of a key, in the schema itself or in the one that it refers to.
func (s schema) resolve(n node, key string) *yaml.Node {
	if found := n.get(key); found != nil {
		return found
	}
	name := strings.TrimPrefix(n.text("$ref"), "#/$defs/")
	return node{node{s.root.get("$defs")}.get(name)}.get(key)
}

// oneLine returns a value as YAML on one line.
func oneLine(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		var entries []string
		for key, child := range (node{n}).children() {
			entries = append(entries, key+": "+oneLine(child.Node))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case yaml.SequenceNode:
		var items []string
		for _, item := range n.Content {
			items = append(items, oneLine(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	plain := regexp.MustCompile(`^[a-zA-Z][\w./:-]*$|^\d+[a-zA-Z]+$`)
	if n.Tag == "!!str" && !plain.MatchString(n.Value) {
		return fmt.Sprintf("%q", n.Value)
	}
	return n.Value
}

// yaml returns the value with its description, for values.yaml.
func (v value) yaml(indent string) string {
	text := comment(v.description, indent) + indent + v.key() + ":"
	if v.group == nil {
		return text + " " + v.fallback + "\n"
	}
	text += "\n"
	for _, inner := range v.group {
		text += inner.yaml(indent + "  ")
	}
	return text
}

// comment returns a text as comment lines of at most 120 characters.
func comment(text, indent string) (lines string) {
	line := indent + "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 120 {
			lines += line + "\n"
			line = indent + "#"
		}
		line += " " + word
	}
	return lines + line + "\n"
}

// rows returns the rows of the README's table for the value.
func (v value) rows() (rows string) {
	if v.group == nil {
		return fmt.Sprintf("| `%s` | `%s` | %s |\n", v.path, v.fallback, v.description)
	}
	for _, inner := range v.group {
		rows += inner.rows()
	}
	return fmt.Sprintf("| **`%s`** | | %s |\n", v.path, v.description) + rows
}
