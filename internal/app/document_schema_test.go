package app_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// schemas are the schemas of a document by name. They check values by as much of JSON Schema as our documents use; a
// keyword beyond that is a fault of the test.
type schemas map[string]any

func (s schemas) resolve(ref string) any { return s[strings.TrimPrefix(ref, "#/components/schemas/")] }

// faults tells where value is not what schema asks for.
func (s schemas) faults(schema, value any, place string) []string {
	rules, ok := schema.(map[string]any)
	if !ok {
		return []string{place + ": there is no schema"}
	}
	var faults []string
	for keyword, rule := range rules {
		if text := s.fault(keyword, rule, rules, value); text != "" {
			faults = append(faults, fmt.Sprintf("%s: %s (%v)", place, text, value))
		}
	}
	switch value := value.(type) {
	case map[string]any:
		faults = append(faults, s.faultsOfObject(rules, value, place)...)
	case []any:
		for i, item := range value {
			faults = append(faults, s.faults(rules["items"], item, fmt.Sprintf("%s[%d]", place, i))...)
		}
	}
	return faults
}

// fault tells what one rule has against the value itself.
func (s schemas) fault(keyword string, rule any, rules map[string]any, value any) string {
	holds := true
	switch keyword {
	case "$ref":
		return strings.Join(s.faults(s.resolve(rule.(string)), value, "there"), "; ")
	case "oneOf":
		holds = s.matches(rule.([]any), value) == 1
	case "type":
		holds = isOneOf(rule, value)
	case "enum":
		holds = slices.Contains(rule.([]any), value)
	case "format":
		return faultOfFormat(rule, value)
	case "minimum", "maximum":
		number, isNumber := value.(float64)
		holds = !isNumber || keyword == "minimum" && number >= rule.(float64) || keyword == "maximum" && number <= rule.(float64)
	case "minLength", "maxLength":
		text, isText := value.(string)
		length := float64(utf8.RuneCountInString(text))
		holds = !isText || keyword == "minLength" && length >= rule.(float64) || keyword == "maxLength" && length <= rule.(float64)
	case "required":
		object, isObject := value.(map[string]any)
		for _, name := range rule.([]any) {
			if _, there := object[name.(string)]; isObject && !there {
				return "lacks " + name.(string)
			}
		}
	case "properties", "additionalProperties", "items", "description", "examples", "default":
	default:
		return "the test does not know the keyword " + keyword
	}
	if !holds {
		return fmt.Sprintf("breaks %s: %v", keyword, rules[keyword])
	}
	return ""
}

func (s schemas) faultsOfObject(rules, object map[string]any, place string) []string {
	properties, _ := rules["properties"].(map[string]any)
	var faults []string
	for name, value := range object {
		schema, known := properties[name]
		if !known {
			schema = rules["additionalProperties"]
		}
		switch schema {
		case nil, true: // not described here, or anything goes
		case false:
			faults = append(faults, place+"."+name+": is not described")
		default:
			faults = append(faults, s.faults(schema, value, place+"."+name)...)
		}
	}
	return faults
}

func (s schemas) matches(choices []any, value any) int {
	count := 0
	for _, schema := range choices {
		if len(s.faults(schema, value, "")) == 0 {
			count++
		}
	}
	return count
}

// isOneOf tells whether value is of a type, or of one of several.
func isOneOf(types, value any) bool {
	if several, ok := types.([]any); ok {
		return slices.ContainsFunc(several, func(one any) bool { return isOneOf(one, value) })
	}
	switch value := value.(type) {
	case nil:
		return types == "null"
	case string:
		return types == "string"
	case float64:
		return types == "number" || types == "integer" && value == math.Trunc(value)
	case map[string]any:
		return types == "object"
	case []any:
		return types == "array"
	case bool:
		return types == "boolean"
	}
	return false
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func faultOfFormat(format, value any) string {
	text, isText := value.(string)
	number, isNumber := value.(float64)
	holds := true
	switch format {
	case "uuid":
		holds = !isText || uuidForm.MatchString(text)
	case "date-time":
		_, err := time.Parse(time.RFC3339, text)
		holds = !isText || err == nil
	case "int32":
		holds = !isNumber || math.Abs(number) <= math.MaxInt32
	case "int64":
	default:
		return fmt.Sprintf("the test does not know the format %v", format)
	}
	if !holds {
		return fmt.Sprintf("breaks format: %v", format)
	}
	return ""
}

// TestSchemaFaults shows that the check above can fail.
func TestSchemaFaults(t *testing.T) {
	schemas := schemas{"Hero": map[string]any{
		"type": "object", "required": []any{"name"}, "additionalProperties": false,
		"properties": map[string]any{
			"id":   map[string]any{"type": []any{"integer", "null"}, "minimum": 1.0, "format": "int64"},
			"name": map[string]any{"type": "string", "minLength": 1.0, "maxLength": 3.0},
			"team": map[string]any{"enum": []any{"heroes", "villains"}},
			"date": map[string]any{"type": "string", "format": "date-time"},
		},
	}}
	hero := map[string]any{"$ref": "#/components/schemas/Hero"}
	either := map[string]any{"oneOf": []any{hero, map[string]any{"type": "null"}}}
	for name, test := range map[string]struct {
		schema, value any
		good          bool
	}{
		"whole":            {hero, map[string]any{"id": 1.0, "name": "Bo", "team": "heroes", "date": "2026-01-02T15:04:05Z"}, true},
		"null that may be": {hero, map[string]any{"id": nil, "name": "Bo"}, true},
		"one of two":       {either, nil, true},
		"neither of two":   {either, 5.0, false},
		"missing":          {hero, map[string]any{"id": 1.0}, false},
		"undescribed":      {hero, map[string]any{"name": "Bo", "age": 5.0}, false},
		"not an integer":   {hero, map[string]any{"name": "Bo", "id": 1.5}, false},
		"too small":        {hero, map[string]any{"name": "Bo", "id": 0.0}, false},
		"too short":        {hero, map[string]any{"name": ""}, false},
		"too long":         {hero, map[string]any{"name": "Yoda"}, false},
		"wrong type":       {hero, map[string]any{"name": 5.0}, false},
		"not in the enum":  {hero, map[string]any{"name": "Bo", "team": "neutral"}, false},
		"not a date":       {hero, map[string]any{"name": "Bo", "date": "today"}, false},
		"unknown keyword":  {map[string]any{"multipleOf": 2.0}, 4.0, false},
		"broken reference": {map[string]any{"$ref": "#/components/schemas/Villain"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if faults := schemas.faults(test.schema, test.value, "value"); (len(faults) == 0) != test.good {
				t.Errorf("faults: %q", faults)
			}
		})
	}
}
