package fight

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// decided returns a fight that the hero wins, with the given strings in its fields.
func decided(winner, power, place, description string) Fight {
	at := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	hero := character.Character{ID: 1, Name: winner, Level: 2, Powers: power, Picture: power, OtherName: power}
	villain := character.Character{ID: 2, Name: "V " + winner, Level: 1, Powers: power, Picture: power, OtherName: power}
	f := Decide(NewIDs(ID{}).Next(at), at, hero, villain, nil)
	if place != "" {
		f.Location = &location.Location{ID: 3, Name: place, Description: description, Picture: description}
	}
	return f
}

const misleading = `"},"location":{"id":1,"name":"x"},"winner_team":"villains","location":null}`

func TestParseOutcome(t *testing.T) {
	for name, f := range map[string]Fight{
		"plain":                             decided("Yoda", "force", "Gotham City", "dark"),
		"no location":                       decided("Yoda", "force", "", ""),
		"escapes":                           decided("\"\\\x01\u2028", "\\", "\t\"", "\\\""),
		"beyond ASCII":                      decided("🦸🏽‍♀️", "é", "日本", "\u2029"),
		"values that look like JSON fields": decided(misleading, misleading, misleading, misleading),
		"values that look like JSON fields, no location": decided(misleading, misleading, "", ""),
		"a name that ends with a quote":                  decided(`a\"`, `,"location":{`, `b\`, `"name":`),
		"a location that looks like null":                decided("Yoda", "", "null}", `,"location":null}`),
		"powers that end like a field":                   decided("Yoda", `,`, `,`, `,`),
	} {
		t.Run(name, func(t *testing.T) {
			document := f.AppendJSON(nil)
			outcome, err := ParseOutcome(f.ID, document)
			if diff := cmp.Diff(f.Outcome(), outcome); diff != "" || err != nil {
				t.Errorf("%v (-fight +read):\n%s", err, diff)
			}
			escapes := bytes.IndexByte(document, '\\') >= 0
			if _, ok := scanOutcome(f.ID, document); ok == escapes {
				t.Errorf("accepted by the scanner: got %t, want %t, for %s", ok, !escapes, document)
			}
		})
	}
}

// Documents formatted by other programs can also be parsed.
func TestParseOutcomeOfOtherPrograms(t *testing.T) {
	f := decided("Yoda", "force", "Gotham City", "dark")
	document := string(f.AppendJSON(nil))
	upper := strings.ToUpper(f.ID.String())
	for name, text := range map[string]string{
		"spaces":                      strings.Replace(document, `{"id":`, `{ "id": `, 1),
		"an uppercase id":             strings.Replace(document, f.ID.String(), upper, 1),
		"an additional field":         strings.Replace(document, `{"id":`, `{"counted":true,"id":`, 1),
		"a date in another time zone": strings.Replace(document, "15:04:05.678Z", "16:04:05.678+01:00", 1),
		"minimal fields": `{"hero":{"name":"Yoda","level":2},"villain":{"name":"V"},"location":{"name":"Gotham City"},"winner_team":"heroes",` +
			`"fight_date":"2026-01-02T15:04:05.678Z","id":"` + f.ID.String() + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			outcome, err := ParseOutcome(f.ID, []byte(text))
			if diff := cmp.Diff(f.Outcome(), outcome); diff != "" || err != nil {
				t.Errorf("%v (-fight +read):\n%s", err, diff)
			}
			if _, ok := scanOutcome(f.ID, []byte(text)); ok {
				t.Error("the scanner accepted a document not written by AppendJSON")
			}
			read, err := Parse(f.ID, []byte(text))
			if err != nil || !read.Date.Equal(f.Date) || read.Date.Location() != time.UTC {
				t.Errorf("got %v, %v", read, err)
			}
		})
	}
}

// Both Parse and ParseOutcome reject an invalid document. The error of Parse names the invalid field.
func TestParseRefuses(t *testing.T) {
	f := decided("Yoda", "force", "Gotham City", "dark")
	document := string(f.AppendJSON(nil))
	for name, c := range map[string]struct{ old, new, wrong string }{
		"empty":                      {document, "", "EOF"},
		"not an object":              {document, "null", "id"},
		"not JSON":                   {document, "fight", "invalid"},
		"truncated":                  {`"location":{`, "", ""},
		"a trailing brace":           {document, document + "}", "invalid"},
		"another id":                 {f.ID.String(), "0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e", "id"},
		"no date":                    {`"fight_date"`, `"date"`, "fight_date"},
		"an invalid date":            {"2026-01-02T", "2026-13-02T", "fight_date"},
		"year 10000":                 {"2026-01-02T15:04:05.678Z", "9999-12-31T23:59:59-01:00", "fight_date"},
		"no team":                    {`"winner_team":"heroes"`, `"winner_team":""`, "winner_team"},
		"another team":               {`"winner_team":"heroes"`, `"winner_team":"Heroes"`, "winner_team"},
		"a hero without a name":      {`"hero":{"id":1,"name":`, `"hero":{"id":1,"title":`, "hero.name"},
		"no villain":                 {`"villain":`, `"rogue":`, "villain.name"},
		"a level as a string":        {`"level":2`, `"level":"2"`, "hero/level"},
		"a level wider than 32 bits": {`"level":2`, `"level":2147483648`, "hero/level"},
		"a fraction":                 {`"level":2`, `"level":2.0`, "hero/level"},
		"a number like 02":           {`"level":2`, `"level":02`, ""},
		"a location as a string":     {`"location":{`, `"location":"Gotham City","somewhere":{`, "location"},
		"not UTF-8":                  {"dark", "d\xffrk", "UTF-8"},
		"a control character":        {"dark", "d\nrk", ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := []byte(strings.Replace(document, c.old, c.new, 1))
			if string(changed) == document {
				t.Fatal("nothing was changed")
			}
			read, err := Parse(f.ID, changed)
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("Parse returned error %v and fight %v", err, read)
			}
			if outcome, err := ParseOutcome(f.ID, changed); err == nil {
				t.Errorf("ParseOutcome read %v", outcome)
			}
		})
	}
}

// For arbitrary bytes, the scanner accepts only documents that Parse accepts, with the same result.
func FuzzScanOutcome(f *testing.F) {
	fought := decided("Yoda é", "force, level", "Gotham City", "dark")
	f.Add(fought.AppendJSON(nil), 0, byte(0))
	f.Add(decided("Yoda", "", "", "").AppendJSON(nil), 3, byte('"'))
	f.Fuzz(func(t *testing.T, document []byte, at int, b byte) {
		if len(document) > 0 && at >= 0 {
			document[at%len(document)] = b
		}
		outcome, ok := scanOutcome(fought.ID, document)
		if !ok {
			return
		}
		read, err := Parse(fought.ID, document)
		if diff := cmp.Diff(read.Outcome(), outcome); err != nil || diff != "" {
			t.Errorf("%v (-parsed, +scanned):\n%s\n%s", err, diff, document)
		}
	})
}

func BenchmarkParseOutcome(b *testing.B) {
	example := examples(b)["plain"]
	id, document := example.ID, example.AppendJSON(nil)
	b.Run("outcome", func(b *testing.B) {
		for b.Loop() {
			if _, err := ParseOutcome(id, document); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(id, document); err != nil {
				b.Fatal(err)
			}
		}
	})
}
