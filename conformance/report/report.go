// Package report writes a member's score as text, JSON or JUnit XML.
package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"superheroes/conformance/suite"
)

// Text writes one line per clause, grouped by service, with the details of each failure below its clause, and the score
// at the end.
func Text(w io.Writer, outcomes []suite.Outcome) error {
	var text strings.Builder
	service := ""
	for _, o := range outcomes {
		if o.Service != service {
			service = o.Service
			fmt.Fprintf(&text, "%s\n", service)
		}
		fmt.Fprintf(&text, "  %-4s  %-4s  %-31s  %s\n", word(o.Result), o.Group, o.ID, o.Text)
		switch {
		case o.Failed != nil:
			fmt.Fprintf(&text, "        sent      %s\n        got       %s\n        expected  %s\n", o.Failed.Sent, o.Failed.Got, o.Failed.Expected)
		case o.Detail != "":
			fmt.Fprintf(&text, "        %s\n", o.Detail)
		}
	}
	text.WriteByte('\n')
	for _, group := range []suite.Group{suite.Core, suite.Full, suite.Writes, suite.Statistics, suite.Arena} {
		if score := suite.ScoreOf(outcomes, group); score != (suite.Score{}) {
			fmt.Fprintf(&text, "%s: %s\n", group, score)
		}
	}
	fmt.Fprintf(&text, "%s\n", suite.ScoreOf(outcomes, ""))
	_, err := io.WriteString(w, text.String())
	return err
}

// word returns the label for a result, which is the first column of the text output; FAIL is in capitals so that it
// stands out.
func word(result suite.Result) string {
	switch result {
	case suite.Fail:
		return "FAIL"
	case suite.Unchecked:
		return "????"
	case suite.Skipped:
		return "skip"
	}
	return string(result)
}

// JSON writes {"clauses":[{"id","group","result","detail"}…],"passed","failed","skipped"}.
func JSON(w io.Writer, outcomes []suite.Outcome) error {
	type clause struct {
		ID     string       `json:"id"`
		Group  suite.Group  `json:"group"`
		Result suite.Result `json:"result"`
		Detail string       `json:"detail"`
	}
	score := suite.ScoreOf(outcomes, "")
	all := struct {
		Clauses []clause `json:"clauses"`
		Passed  int      `json:"passed"`
		Failed  int      `json:"failed"`
		Skipped int      `json:"skipped"`
	}{[]clause{}, score.Passed, score.Failed, score.Skipped}
	for _, o := range outcomes {
		all.Clauses = append(all.Clauses, clause{o.ID, o.Group, o.Result, o.Detail})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(all)
}

type testSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []*testSuite `xml:"testsuite"`
	counts
}

type testSuite struct {
	Name  string     `xml:"name,attr"`
	Cases []testCase `xml:"testcase"`
	counts
}

type counts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *message `xml:"failure"`
	Skipped *message `xml:"skipped"`
}

type message struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a test suite for each service and a test case for each clause. The class name of a test case is the
// clause's group.
func JUnit(w io.Writer, outcomes []suite.Outcome) error {
	all := testSuites{Name: "contract"}
	for _, o := range outcomes {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != o.Service {
			all.Suites = append(all.Suites, &testSuite{Name: o.Service})
		}
		service := all.Suites[len(all.Suites)-1]
		service.Cases = append(service.Cases, caseOf(o))
		service.count(o)
		all.count(o)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func caseOf(o suite.Outcome) testCase {
	c := testCase{Class: string(o.Group), Name: o.ID}
	switch o.Result {
	case suite.Pass:
	case suite.Fail:
		c.Failure = &message{o.Text, o.Detail}
	default:
		c.Skipped = &message{Message: o.Detail}
	}
	return c
}

func (c *counts) count(o suite.Outcome) {
	c.Tests++
	switch o.Result {
	case suite.Pass:
	case suite.Fail:
		c.Failures++
	default:
		c.Skipped++
	}
}
