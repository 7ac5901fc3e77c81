package openapi

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Schemas holds a document's schemas, by name. Package openapi supports only the keywords that the documents in api/
// use; any other keyword is reported as a fault, so that none is silently ignored.
type Schemas map[string]map[string]any

// Resolve returns the schema that a $ref refers to, or nil if that schema doesn't exist.
func (s Schemas) Resolve(ref string) map[string]any {
	return s[strings.TrimPrefix(ref, "#/components/schemas/")]
}

// Faults describes every way in which value violates schema. Numbers in value must be json.Number, as Decode returns
// them.
func (s Schemas) Faults(schema map[string]any, value any, place string) []string {
	if schema == nil {
		return []string{place + ": the document has no schema for this value"}
	}
	var faults []string
	for keyword, rule := range schema {
		if fault := s.fault(keyword, rule, value); fault != "" {
			faults = append(faults, place+": "+fault)
		}
	}
	faults = append(faults, s.faultsBelow(schema, value, place)...)
	slices.Sort(faults)
	return faults
}

// fault describes how the value itself violates one keyword; it returns "" if the value conforms.
func (s Schemas) fault(keyword string, rule, value any) string {
	holds := true
	switch keyword {
	case "$ref", "properties", "additionalProperties", "items": // see faultsBelow
	case "description", "examples", "default", "title":
	case "type":
		holds = hasType(rule, value)
	case "enum":
		holds = slices.ContainsFunc(rule.([]any), func(one any) bool { return reflect.DeepEqual(one, value) })
	case "oneOf":
		holds = s.matches(rule.([]any), value) == 1
	case "required":
		return missing(rule.([]any), value)
	case "minimum", "maximum":
		holds = inRange(keyword, rule, value)
	case "minLength", "maxLength":
		holds = hasLength(keyword, rule, value)
	case "format":
		return faultOfFormat(rule.(string), value)
	default:
		return "keyword " + keyword + " is not supported"
	}
	if !holds {
		return fmt.Sprintf("%v breaks %s %v", show(value), keyword, show(rule))
	}
	return ""
}

// faultsBelow returns the faults in the elements or fields of a value. If the schema has a $ref, it also returns the
// faults that the referenced schema finds in the value.
func (s Schemas) faultsBelow(schema map[string]any, value any, place string) []string {
	var faults []string
	if ref, ok := schema["$ref"].(string); ok {
		faults = s.Faults(s.Resolve(ref), value, place)
	}
	switch value := value.(type) {
	case map[string]any:
		faults = append(faults, s.faultsOfFields(schema, value, place)...)
	case []any:
		items, described := schema["items"].(map[string]any)
		for i, item := range value {
			if described {
				faults = append(faults, s.Faults(items, item, fmt.Sprintf("%s[%d]", place, i))...)
			}
		}
	}
	return faults
}

func (s Schemas) faultsOfFields(schema, object map[string]any, place string) []string {
	properties, _ := schema["properties"].(map[string]any)
	var faults []string
	for name, value := range object {
		rule, known := properties[name]
		if !known {
			rule = schema["additionalProperties"]
		}
		switch rule := rule.(type) {
		case map[string]any:
			faults = append(faults, s.Faults(rule, value, place+"."+name)...)
		case bool:
			if !rule {
				faults = append(faults, place+": undocumented field "+name)
			}
		}
	}
	return faults
}

func (s Schemas) matches(choices []any, value any) int {
	count := 0
	for _, choice := range choices {
		if schema, ok := choice.(map[string]any); ok && len(s.Faults(schema, value, "")) == 0 {
			count++
		}
	}
	return count
}

func missing(names []any, value any) string {
	object, isObject := value.(map[string]any)
	for _, name := range names {
		if _, there := object[name.(string)]; isObject && !there {
			return fmt.Sprintf("lacks %v", name)
		}
	}
	return ""
}

// hasType reports whether value has the given type, or one of the given types.
func hasType(types, value any) bool {
	if several, ok := types.([]any); ok {
		return slices.ContainsFunc(several, func(one any) bool { return hasType(one, value) })
	}
	switch value := value.(type) {
	case nil:
		return types == "null"
	case string:
		return types == "string"
	case json.Number:
		return types == "number" || types == "integer" && isInteger(value)
	case map[string]any:
		return types == "object"
	case []any:
		return types == "array"
	case bool:
		return types == "boolean"
	}
	return false
}

// isInteger is stricter than JSON Schema: most languages' decoders don't accept 5.0 as an integer.
func isInteger(number json.Number) bool { return !strings.ContainsAny(string(number), ".eE") }

func inRange(keyword string, rule, value any) bool {
	number, isNumber := value.(json.Number)
	if !isNumber {
		return true
	}
	got, want := float(number), float(rule.(json.Number))
	return keyword == "minimum" && got >= want || keyword == "maximum" && got <= want
}

// float converts a number to float64; a number out of range becomes infinite.
func float(number json.Number) float64 {
	value, _ := number.Float64() // on overflow, Float64 also returns an infinite value
	return value
}

func hasLength(keyword string, rule, value any) bool {
	text, isText := value.(string)
	if !isText {
		return true
	}
	got, want := float64(utf8.RuneCountInString(text)), float(rule.(json.Number))
	return keyword == "minLength" && got >= want || keyword == "maxLength" && got <= want
}

func faultOfFormat(format string, value any) string {
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	var holds bool
	switch format {
	case "uuid":
		holds = !isText || regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(text)
	case "date-time":
		_, err := time.Parse(time.RFC3339, text)
		holds = !isText || err == nil
	case "int32":
		holds = !isNumber || math.Abs(float(number)) <= math.MaxInt32
	case "int64":
		_, err := number.Int64()
		holds = !isNumber || err == nil
	case "double":
		holds = !isNumber || !math.IsInf(float(number), 0)
	default:
		return "format " + format + " is not supported"
	}
	if !holds {
		return fmt.Sprintf("%v breaks format %s", show(value), format)
	}
	return ""
}

// show returns the beginning of a value's JSON encoding, for use in fault messages.
func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(text) > 100 {
		return strings.ToValidUTF8(string(text[:100]), "") + "…"
	}
	return string(text)
}
