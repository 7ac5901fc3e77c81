package telemetry

import (
	"strings"
	"testing"
)

const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

func TestParseTraceparent(t *testing.T) {
	for text, want := range map[string]Traceparent{
		"00-" + trace + "-" + span + "-01":                    {trace, span, true},
		"00-" + trace + "-" + span + "-00":                    {trace, span, false},
		"00-" + trace + "-" + span + "-0b":                    {trace, span, true},
		"00-" + trace + "-" + span + "-fe":                    {trace, span, false},
		"cc-" + trace + "-" + span + "-01":                    {trace, span, true},
		"cc-" + trace + "-" + span + "-01-more":               {trace, span, true},
		"00-" + trace + "-" + span + "-01-more":               {},
		"cc-" + trace + "-" + span + "-01more":                {},
		"ff-" + trace + "-" + span + "-01":                    {},
		"00-" + strings.ToUpper(trace) + "-" + span + "-01":   {},
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01":  {},
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01": {},
		"00-" + trace + "-" + span + "-0":                     {},
		"00-" + trace + "-" + span + "-0g":                    {},
		"00_" + trace + "-" + span + "-01":                    {},
		"":                                                    {},
	} {
		got, ok := ParseTraceparent(text)
		if got != want || ok != (want.TraceID != "") {
			t.Errorf("%q: got %+v, %t, want %+v", text, got, ok, want)
		}
	}
}

// FuzzParseTraceparent checks that the parsed ids are those in the header, and that no trace id is zero.
func FuzzParseTraceparent(f *testing.F) {
	f.Add("00-" + trace + "-" + span + "-01")
	f.Add("cc-" + trace + "-" + span + "-01-more")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := ParseTraceparent(text)
		if !ok {
			return
		}
		if !strings.HasPrefix(text[2:], "-"+got.TraceID+"-"+got.SpanID+"-") || strings.Trim(got.TraceID, "0") == "" {
			t.Errorf("%q was parsed as %+v", text, got)
		}
	})
}
