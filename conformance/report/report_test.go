package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/conformance/suite"
)

var update = flag.Bool("update", false, "regenerate the golden files")

// outcomes returns one outcome for each possible result.
func outcomes() []suite.Outcome {
	clause := func(service, id string, group suite.Group, text string) suite.Clause {
		return suite.Clause{ID: service + "." + id, Service: service, Group: group, Text: text}
	}
	failure := suite.Failure{
		Sent:     `POST /api/fights [Content-Type: application/json] {"hero":{"name":"<&>"}}`,
		Got:      `500 text/plain Internal Server Error`,
		Expected: "400 or 422",
	}
	return []suite.Outcome{
		{Clause: clause("heroes", "list", suite.Core, `“200, array of all”`), Result: suite.Pass},
		{Clause: clause("heroes", "get", suite.Full, `“200, or 404”`), Result: suite.Skipped, Detail: "the catalog of heroes is empty"},
		{Clause: clause("fights", "post.required", suite.Full, `“hero and villain are required objects”`),
			Result: suite.Fail, Detail: failure.String(), Failed: &failure},
		{Clause: clause("fights", "stored.post", suite.Core, `“stored before it is answered”`), Result: suite.Unchecked,
			Detail: "cannot be checked: stored? (GET /api/fights got 405, no body)"},
	}
}

func TestGolden(t *testing.T) {
	for name, test := range map[string]struct {
		write    func(io.Writer, []suite.Outcome) error
		outcomes []suite.Outcome
	}{
		"score.txt": {Text, outcomes()}, "score.json": {JSON, outcomes()}, "score.xml": {JUnit, outcomes()},
		"nothing.txt": {Text, nil}, "nothing.json": {JSON, nil}, "nothing.xml": {JUnit, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := test.write(&got, test.outcomes); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

// TestWellFormed checks that the JSON and XML output is well-formed even for a response with arbitrary bytes.
func TestWellFormed(t *testing.T) {
	failure := suite.Failure{Sent: "\x00\xff]]>", Got: "</testcase>\"", Expected: "\u2028"}
	broken := []suite.Outcome{{Clause: suite.Clause{ID: "heroes.list", Service: "heroes"}, Result: suite.Fail, Detail: failure.String(), Failed: &failure}}
	var asJSON, asXML bytes.Buffer
	if err := JSON(&asJSON, broken); err != nil || !json.Valid(asJSON.Bytes()) {
		t.Errorf("%v: %s", err, asJSON.String())
	}
	if err := JUnit(&asXML, broken); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(asXML.Bytes(), new(testSuites)); err != nil {
		t.Errorf("%v: %s", err, asXML.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteErrors(t *testing.T) {
	for name, write := range map[string]func(io.Writer, []suite.Outcome) error{"text": Text, "JSON": JSON, "JUnit": JUnit} {
		if err := write(full{}, outcomes()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
