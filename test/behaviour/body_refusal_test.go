package behaviour

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// body returns the refusal of a posted body.
func body(name, text string, status int, place string) refusal {
	return refusal{"body: " + name, "fights", call{method: "POST", target: "/api/fights", body: text}, status, place}
}

// malformedBodies are no JSON text, or none that has one meaning.
func malformedBodies() []refusal {
	const good = `{"hero":{"name":"H","level":1},"villain":{"name":"V"}}`
	var cases []refusal
	add := func(name, text string) { cases = append(cases, body(name, text, http.StatusBadRequest, "body")) }
	add("empty", "")
	add("blanks", " \t\r\n")
	for at := 1; at < len(good); at += 5 {
		add("broken off at byte "+strconv.Itoa(at), good[:at])
	}
	for name, tail := range map[string]string{"an object": "{}", "a word": "x", "a number": " 1", "a brace": "}", "NUL": "\x00", "a comma": ",", "a comment": " // done"} {
		add("trailing "+name, good+tail)
	}
	for name, text := range map[string]string{
		"plain text": "hello", "XML": "<fight/>", "a form": "hero=1&villain=2", "single quotes": strings.ReplaceAll(good, `"`, `'`), "bare names": `{hero:{name:"H"}}`,
		"a trailing comma": `{"hero":{"name":"H",},"villain":{"name":"V"}}`, "a missing comma": `{"hero":{"name":"H"}"villain":{"name":"V"}}`, "a missing colon": `{"hero" {"name":"H"}}`,
		"comments": "/* a */" + good, "a byte order mark": "\ufeff" + good, "UTF-16": "{\x00\"\x00h\x00", "a NUL byte": "\x00" + good, "a NUL byte in a string": "{\"hero\":{\"name\":\"a\x00b\"},\"villain\":{\"name\":\"V\"}}",
		"a line feed in a string": "{\"hero\":{\"name\":\"a\nb\"}}", "an unknown escape": `{"hero":{"name":"\x41"}}`, "a short escape": `{"hero":{"name":"\u12"}}`,
		"NaN": level("NaN"), "Infinity": level("Infinity"), "a plus sign": level("+1"), "leading zeros": level("01"), "hexadecimal": level("0x1"),
		"no digits before the point": level(".5"), "no digits behind the point": level("1."), "an empty exponent": level("1e"), "capital True": level("True"), "undefined": level("undefined"),
		"mismatched brackets": `{"hero":[}`, "only a bracket": "[", "two texts": good + "\n" + good,
		"invalid UTF-8": named("\xff"), "UTF-8 broken off": named("\xc3"), "overlong UTF-8": named("\xc0\xaf"), "a surrogate as UTF-8": named("\xed\xa0\x80"), "beyond Unicode": named("\xf4\x90\x80\x80"),
		"invalid UTF-8 in a field's name": "{\"\xff\":1," + good[1:], "invalid UTF-8 in an unknown field": "{\"x\":\"\xff\"," + good[1:],
		"a lone high surrogate": named(`\ud83d`), "a lone low surrogate": named(`\ude00`), "surrogates the wrong way round": named(`\ude00\ud83d`),
		"a lone surrogate in an unknown field": `{"x":"\ud800",` + good[1:], "a lone surrogate in a field's name": `{"\ud800":1,` + good[1:],
		"hero twice": `{"hero":{"name":"A"},` + good[1:], "a name twice": `{"hero":{"name":"A","name":"B"},"villain":{"name":"V"}}`, "a name twice, once escaped": `{"hero":{"name":"A","na\u006de":"B"},"villain":{"name":"V"}}`,
		"a type twice": placed(`{"name":"L","type":"CITY","type":"MOON"}`), "an unknown field twice": `{"x":1,"x":2,` + good[1:], "twice below an unknown field": `{"x":[{"y":1,"y":1}],` + good[1:],
		"33 arrays deep": `{"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "," + good[1:], "33 objects deep": `{"x":` + strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32) + "," + good[1:],
		"10,000 deep": strings.Repeat("[", 10_000), "30,000 objects deep": strings.Repeat(`{"":`, 10_000), "33 deep in a hero": `{"hero":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}",
	} {
		add(name, text)
	}
	return cases
}

// level, named and placed return a body with one part replaced.
func level(value string) string {
	return `{"hero":{"name":"H","level":` + value + `},"villain":{"name":"V"}}`
}

func named(name string) string { return `{"hero":{"name":"` + name + `"},"villain":{"name":"V"}}` }

func placed(location string) string {
	return `{"hero":{"name":"H"},"villain":{"name":"V"},"location":` + location + `}`
}

// refusedValues are JSON texts that lack something or break a limit.
func refusedValues() []refusal {
	var cases []refusal
	add := func(name, text, place string) {
		cases = append(cases, body(name, text, http.StatusUnprocessableEntity, place))
	}
	add("null", "null", "body.hero")
	add("an empty object", "{}", "body.hero")
	for _, text := range []string{"[]", `"text"`, "5", "true", `[{"hero":{}}]`} {
		add(text, text, "body:")
	}
	add("no villain", `{"hero":{"name":"H"}}`, "body.villain")
	add("no hero", `{"villain":{"name":"V"}}`, "body.hero")
	add("hero null", `{"hero":null,"villain":{"name":"V"}}`, "body.hero")
	add("villain null", `{"hero":{"name":"H"},"villain":null}`, "body.villain")
	add("capital Hero", `{"Hero":{"name":"H"},"villain":{"name":"V"}}`, "body.hero")
	add("capital NAME", `{"hero":{"NAME":"H"},"villain":{"name":"V"}}`, "body.hero.name")
	add("an empty hero", `{"hero":{},"villain":{"name":"V"}}`, "body.hero.name")
	add("an empty villain", `{"hero":{"name":"H"},"villain":{}}`, "body.villain.name")
	add("an empty location", placed("{}"), "body.location.name")
	add("a location without a name", placed(`{"type":"CITY"}`), "body.location.name")
	long := func(n int, text string) string { return `"` + strings.Repeat(text, n) + `"` }
	for _, side := range []string{"hero", "villain", "location"} {
		for _, c := range []struct{ name, field, value string }{
			{"an empty name", "name", `""`},
			{"a name of null", "name", "null"},
			{"a name of 51 letters", "name", long(51, "n")},
			{"a name of 51 emoji", "name", long(51, "😀")},
			{"a name of 26 letters, each with a combining mark", "name", long(26, "e\u0301")},
			{"a picture of 256", "picture", long(256, "é")},
			{"NUL in the name", "name", `"a\u0000b"`},
			{"NUL in the picture", "picture", `"\u0000"`},
			{"id -1", "id", "-1"},
			{"id 0", "id", "0"},
			{"id 2^63", "id", "9223372036854775808"},
		} {
			add(side+": "+c.name, with(side, c.field, c.value), "body."+side+"."+c.field)
		}
	}
	for _, side := range []string{"hero", "villain"} {
		add(side+": other name of 256", with(side, "otherName", long(256, "o")), "body."+side+".otherName")
		add(side+": NUL in the powers", with(side, "powers", `"Flight\u0000"`), "body."+side+".powers")
		add(side+": level -1", with(side, "level", "-1"), "body."+side+".level")
		add(side+": level 2^31", with(side, "level", "2147483648"), "body."+side+".level")
		add(side+": level 2^64", with(side, "level", "18446744073709551616"), "body."+side+".level")
	}
	add("location: NUL in the description", with("location", "description", `"\u0000"`), "body.location.description")
	for _, kind := range []string{"city", "CITY ", "TOWN", "0", "Ω"} {
		add("location: type "+kind, with("location", "type", `"`+kind+`"`), "body.location.type")
	}
	add("several places", `{"hero":{"level":-1},"villain":{}}`, "body.hero.level")
	return cases
}

// with returns a body in which one field of one part has that value.
func with(side, field, value string) string {
	parts := map[string]string{"hero": `{"name":"H"}`, "villain": `{"name":"V"}`, "location": `{"name":"L"}`}
	parts[side] = `{"name":"N","` + field + `":` + value + `}`
	if field == "name" {
		parts[side] = `{"name":` + value + `}`
	}
	return fmt.Sprintf(`{"hero":%s,"villain":%s,"location":%s}`, parts["hero"], parts["villain"], parts["location"])
}

// refusedTypes has a value of every wrong type in every field.
func refusedTypes() []refusal {
	fits := map[string][]string{"id": {"number"}, "level": {"number"}}
	var cases []refusal
	for _, r := range rooms {
		for _, field := range r.fields {
			for kind, values := range map[string][]string{
				"text":     {`"x"`, `"5"`, `""`},
				"number":   {"5"},
				"no int":   {"5.0", "1.5", "1e309", "1e2", "-1e400", "1E1", "5e-1"},
				"boolean":  {"true", "false"},
				"array":    {"[]", `["x"]`, "[5]"},
				"object":   {"{}", `{"name":"x"}`},
				"ill null": nil,
			} {
				good := fits[field]
				if good == nil {
					good = []string{"text"}
				}
				if slices.Contains(good, kind) {
					continue
				}
				for _, value := range values {
					cases = append(cases, body(r.singular+"."+field+" is "+value, with(r.singular, field, value),
						http.StatusUnprocessableEntity, "body."+r.singular+"."+field))
				}
			}
		}
		for _, value := range []string{"[]", `"x"`, "5", "true", "false", `[{"name":"x"}]`} {
			text := fmt.Sprintf(`{"hero":{"name":"H"},"villain":{"name":"V"},%q:%s}`, r.singular, value)
			if r.singular != "location" {
				text = fmt.Sprintf(`{"%s":%s}`, r.singular, value)
			}
			cases = append(cases, body(r.singular+" is "+value, text, http.StatusUnprocessableEntity, "body."+r.singular))
		}
	}
	return cases
}

// maxBody is the contract's 64 KiB.
const maxBody = 64 << 10

// filler returns the powers that make a body exactly that many bytes long, and filled the body.
func filler(size int) string { return strings.Repeat("p", size-len(fmt.Sprintf(fillable, ""))) }

func filled(size int) string { return fmt.Sprintf(fillable, filler(size)) }

const fillable = `{"hero":{"name":"H","powers":"%s"},"villain":{"name":"V"}}`

// chunked returns a body in the chunked coding.
func chunked(text string) string {
	var coded strings.Builder
	for len(text) > 0 {
		n := min(len(text), 4096)
		fmt.Fprintf(&coded, "%x\r\n%s\r\n", n, text[:n])
		text = text[n:]
	}
	return coded.String() + "0\r\n\r\n"
}

const inChunks = "Transfer-Encoding: chunked\r\n"

// refusedTransfers are bodies that are too large or of another kind.
func refusedTransfers() []refusal {
	var cases []refusal
	add := func(name, header, text string, status int) {
		c := body(name, text, status, "")
		c.header = header
		cases = append(cases, c)
	}
	add("a byte too long", "", filled(maxBody+1), http.StatusRequestEntityTooLarge)
	add("a byte too long, in chunks", inChunks, chunked(filled(maxBody+1)), http.StatusRequestEntityTooLarge)
	add("a mebibyte in chunks", inChunks, chunked(filled(1<<20)), http.StatusRequestEntityTooLarge)
	add("too long by what it says", "Content-Length: 10000000000\r\n", "{", http.StatusRequestEntityTooLarge)
	add("too long by what it says, asking first", "Expect: 100-continue\r\nContent-Length: 70000\r\n", "", http.StatusRequestEntityTooLarge)
	add("too long blanks", "", plainFight+strings.Repeat(" ", maxBody), http.StatusRequestEntityTooLarge)
	for _, contentType := range []string{
		"text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "json", "*/*",
		"application/json; charset=iso-8859-1", "application/json; charset=utf-16", "application/octet-stream", "garbage;;;=", "application/", "application/json, text/plain",
	} {
		add("content type "+contentType, "Content-Type: "+contentType+"\r\n", plainFight, http.StatusUnsupportedMediaType)
	}
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, _ = writer.Write([]byte(plainFight)) // a bytes.Buffer takes everything
	_ = writer.Close()
	add("gzip", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", zipped.String(), http.StatusUnsupportedMediaType)
	add("an empty body in chunks", inChunks, "0\r\n\r\n", http.StatusBadRequest)
	return cases
}
