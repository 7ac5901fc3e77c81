package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readYAML parses the subset of YAML that our compose files and scenarios use, so that tests can inspect them: block
// maps and lists, lists and maps in brackets on one line, plain and quoted scalars, folded text (>-), comments,
// anchors of maps with merge keys, and !include. It refuses anything else.
func readYAML(text string) (map[string]any, error) {
	r := &yamlReader{anchors: map[string]map[string]any{}}
	for number, raw := range strings.Split(text, "\n") {
		line := strings.TrimRight(stripComment(raw), " ")
		if line == "" {
			continue
		}
		content := strings.TrimLeft(line, " ")
		r.lines = append(r.lines, yamlLine{number + 1, len(line) - len(content), content})
	}
	value, err := r.block(0)
	if err != nil {
		return nil, err
	}
	if r.next < len(r.lines) {
		return nil, r.fault("it is indented in a way that can't be read")
	}
	top, isMap := value.(map[string]any)
	if !isMap {
		return nil, fmt.Errorf("the file holds a %T, not a map", value)
	}
	return top, nil
}

type yamlLine struct {
	number, indent int
	content        string
}

type yamlReader struct {
	lines   []yamlLine
	next    int
	anchors map[string]map[string]any
}

func (r *yamlReader) fault(format string, args ...any) error {
	line := r.lines[min(r.next, len(r.lines)-1)]
	return fmt.Errorf("line %d, %q: %s", line.number, line.content, fmt.Sprintf(format, args...))
}

// stripComment removes a comment: a # at the start or after a space, outside quotes.
func stripComment(line string) string {
	quote := byte(0)
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" [:,", line[i-1]) >= 0):
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return line[:i]
		}
	}
	return line
}

// block parses the lines with at least this indentation: a list or a map.
func (r *yamlReader) block(least int) (any, error) {
	if r.next >= len(r.lines) || r.lines[r.next].indent < least {
		return nil, nil
	}
	indent := r.lines[r.next].indent
	if isListItem(r.lines[r.next].content) {
		return r.list(indent)
	}
	return r.mapping(indent)
}

func isListItem(content string) bool { return strings.HasPrefix(content, "- ") }

func (r *yamlReader) at(indent int) bool {
	return r.next < len(r.lines) && r.lines[r.next].indent == indent
}

func (r *yamlReader) list(indent int) ([]any, error) {
	var list []any
	for r.at(indent) && isListItem(r.lines[r.next].content) {
		line := &r.lines[r.next]
		line.content, line.indent = line.content[2:], line.indent+2
		var item any
		var err error
		if _, _, isMap := cutKey(line.content); isMap {
			item, err = r.mapping(line.indent)
		} else {
			item, err = r.scalar(line.content)
			r.next++
		}
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func (r *yamlReader) mapping(indent int) (map[string]any, error) {
	result, merged := map[string]any{}, map[string]any{}
	for r.at(indent) {
		key, text, isMap := cutKey(r.lines[r.next].content)
		if !isMap {
			return nil, r.fault("neither a key nor a list item")
		}
		if _, twice := result[key]; twice {
			return nil, r.fault("the key stands twice")
		}
		value, err := r.value(text, indent)
		if err != nil {
			return nil, err
		}
		if anchored, isMap := value.(map[string]any); key == "<<" && isMap {
			merged = anchored
			continue
		}
		result[key] = value
	}
	for key, value := range merged { // keys in the map itself take precedence
		if _, there := result[key]; !there {
			result[key] = value
		}
	}
	return result, nil
}

// cutKey splits "key: value" and "key:".
func cutKey(content string) (key, value string, isMap bool) {
	if strings.HasPrefix(content, "[") || strings.HasPrefix(content, `"`) || strings.HasPrefix(content, "'") {
		return "", "", false
	}
	if key, found := strings.CutSuffix(content, ":"); found && !strings.Contains(key, ": ") {
		return key, "", true
	}
	return strings.Cut(content, ": ")
}

// value parses the value of a key in a map with this indentation.
func (r *yamlReader) value(text string, indent int) (any, error) {
	name, isAnchor := strings.CutPrefix(text, "&")
	switch {
	case text == ">-":
		r.next++
		return r.folded(indent), nil
	case text != "" && !isAnchor:
		value, err := r.scalar(text)
		r.next++
		return value, err
	}
	r.next++
	value, err := r.block(indent + 1)
	if err == nil && isAnchor {
		anchored, isMap := value.(map[string]any)
		if !isMap {
			return nil, r.fault("only maps may be anchored")
		}
		r.anchors[name] = anchored
	}
	return value, err
}

func (r *yamlReader) folded(indent int) string {
	var words []string
	for r.next < len(r.lines) && r.lines[r.next].indent > indent {
		words = append(words, r.lines[r.next].content)
		r.next++
	}
	return strings.Join(words, " ")
}

// scalar parses a value on one line.
func (r *yamlReader) scalar(text string) (any, error) {
	switch {
	case strings.HasPrefix(text, "*"):
		anchored, there := r.anchors[text[1:]]
		if !there {
			return nil, r.fault("there is no such anchor")
		}
		return maps.Clone(anchored), nil
	case text == "{}":
		return map[string]any{}, nil
	case strings.HasPrefix(text, "["):
		return r.inBrackets(text)
	case strings.HasPrefix(text, `"`):
		return strconv.Unquote(text)
	case strings.HasPrefix(text, "'"), strings.HasPrefix(text, "{"), strings.HasPrefix(text, "|"), strings.HasPrefix(text, ">"),
		strings.HasPrefix(text, "&"), strings.HasPrefix(text, "!") && !strings.HasPrefix(text, "!include "):
		return nil, r.fault("this kind of value can't be read")
	case text == "true", text == "false":
		return text == "true", nil
	}
	if number, err := strconv.Atoi(text); err == nil {
		return number, nil
	}
	return text, nil
}

func (r *yamlReader) inBrackets(text string) (any, error) {
	inner, closed := strings.CutSuffix(text[1:], "]")
	if !closed || strings.ContainsAny(inner, "[]{}") {
		return nil, r.fault("the brackets can't be read")
	}
	var list []any
	for part := range strings.SplitSeq(inner, ",") {
		item, err := r.scalar(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func TestReadYAML(t *testing.T) {
	const text = `# a comment
name: Heroes # and another
x-base: &base
  restart: always
  ports: ["1:2", 3]
services:
  a:
    <<: *base
    restart: "no"
    test: run 'it # all: now'
    flag: true
    none:
  b:
    volumes:
      - ./x:/y:ro
      - name: z
        steps:
          - command: go
description: >-
  one
  two
compose-file: !include compose.yml
`
	base := map[string]any{"restart": "always", "ports": []any{"1:2", 3}}
	want := map[string]any{
		"name": "Heroes", "x-base": base, "description": "one two", "compose-file": "!include compose.yml",
		"services": map[string]any{
			"a": map[string]any{"restart": "no", "ports": []any{"1:2", 3}, "test": "run 'it # all: now'", "flag": true, "none": nil},
			"b": map[string]any{"volumes": []any{"./x:/y:ro", map[string]any{"name": "z", "steps": []any{map[string]any{"command": "go"}}}}},
		},
	}
	got, err := readYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadYAMLRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a key twice":         "a: 1\na: 2\n",
		"an unknown anchor":   "a: *b\n",
		"a map in brackets":   "a: {b: 1}\n",
		"an unknown tag":      "a: !secret b\n",
		"a stray indentation": "a: 1\n    b: 2\n",
		"a line of its own":   "a:\n  b\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := readYAML(text); err == nil {
				t.Errorf("got %v, want an error", got)
			}
		})
	}
}
