package exchange_test

import (
	"strings"
	"testing"

	"superheroes/internal/exchange"
)

func TestReadJSONLines(t *testing.T) {
	runReadCases(t, exchange.JSONLines, heroes(), []readCase{
		{"empty file", "", nil},
		{"rows", "{\"id\":1,\"name\":\"Yoda\",\"level\":900}\n{\"id\":2,\"name\":\"Rey\"}", []string{`1 id=1 name="Yoda" level="900"`, `2 id=2 name="Rey"`}},
		{"CRLF, byte order mark, blank lines", "\uFEFF\r\n{\"id\":1}\r\n\r\n \t \n{\"id\":2}\r\n", []string{`2 id=1`, `5 id=2`}},
		{"next id", "{\"name\":\"a\"}\n{\"id\":0,\"name\":\"b\"}\n", []string{`1 next name="a"`, `2 next name="b"`}},
		{"NUL", `{"id":1,"powers":"a\u0000"}`, []string{`1 REFUSED line 1, column powers: NUL character`}},
		{"array", "\n[{\"id\":1}]", []string{`END line 2: a JSON array; JSON lines need one object per line (convert with jq -c '.[]')`}},
	})
}

func TestReadJSONLinesGoesOn(t *testing.T) {
	refused := []string{`{"id":"x"}`, `{"id":1,"id":2}`, `{"cape":1}`, `{"id":1} {"id":2}`, `[]`, `{`, "{\"name\":\"\xff\"}", `{"name":"\ud800"}`}
	input := "{\"id\":1}\n" + strings.Join(refused, "\n") + "\n{\"id\":2}\n"
	lines := strings.Split(listing(strings.NewReader(input), exchange.JSONLines, heroes()), "\n")
	if got, want := len(lines), len(refused)+3; got != want {
		t.Fatalf("%d lines, want %d:\n%s", got, want, strings.Join(lines, "\n"))
	}
	for i, line := range lines[1 : len(refused)+1] {
		if !strings.Contains(line, "REFUSED line") {
			t.Errorf("%s: got %s, want an error", refused[i], line)
		}
	}
	if last := lines[len(refused)+1]; last != "10 id=2" {
		t.Errorf("after the rejected lines: got %s, want 10 id=2", last)
	}
}
