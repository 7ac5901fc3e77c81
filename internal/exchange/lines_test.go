package exchange_test

import (
	"strings"
	"testing"

	"superheroes/internal/exchange"
)

func TestReadCSV(t *testing.T) {
	const unknown = "; known columns: id, name, otherName, level, picture, powers"
	runReadCases(t, exchange.CSV, heroes(), []readCase{
		{"header only", "id,name\n", nil},
		{"rows", "id,name,level\n1,Yoda,900\n2,Rey,\n", []string{`2 id=1 name="Yoda" level="900"`, `3 REFUSED line 3, column level: "" is not a 32-bit integer`}},
		{"header in a different order and case", "POWERS, Name ,ID\nForce,Yoda,1", []string{`2 id=1 name="Yoda" powers="Force"`}},
		{"CRLF and byte order mark", "\uFEFFid,name\r\n1,a\r\n2,\"b\r\nc\"\r\n3,d", []string{`2 id=1 name="a"`, `3 id=2 name="b\r\nc"`, `5 id=3 name="d"`}},
		{"next id", "id,name\n,a\n\"\",b\n0,c\n", []string{`2 next name="a"`, `3 next name="b"`, `4 next name="c"`}},
		{"no id column", "name\na\n", []string{`2 next name="a"`}},
		{"blank lines", "\n\r\nname\n\na\n\r\n\"\"\n\n", []string{`5 next name="a"`, `7 next`}},
		{"quotes", "id,name,powers\n1,\"a \"\"b\"\", c\",\"\"\"\"\n2,\"\n\n\",x\n3,\" \",  \n", []string{`2 id=1 name="a \"b\", c" powers="\""`, `3 id=2 name="\n\n" powers="x"`, `6 id=3 name=" " powers="  "`}},
		{"carriage returns within lines", "id,name\n1,a\rb\r\r\n2,c\r", []string{`2 id=1 name="a\rb\r"`, `3 id=2 name="c"`}},
		{"file ends with a comma", "id,name\n1,", []string{`2 id=1`}},
		{"wrong number of fields", "id,name\n1\n1,a,b\n2,b\n", []string{`2 REFUSED line 2: 1 field, but the header has 2`, `3 REFUSED line 3: 3 fields, but the header has 2`, `4 id=2 name="b"`}},
		{"quote within an unquoted field", "id,name\n1,Dwayne \"The Rock\" Johnson\n2,b\n", []string{`2 REFUSED line 2, column name: quote in an unquoted field`, `3 id=2 name="b"`}},
		{"text after a quoted field", "id,name\n1,\"a\"b\"c\n2,\"b\" \n3,c\n", []string{`2 REFUSED line 2, column name: text after a closing quote; double the quotes inside a quoted field`, `3 REFUSED line 3, column name: text after a closing quote; double the quotes inside a quoted field`, `4 id=3 name="c"`}},
		{"invalid UTF-8 and NUL", "id,name\n1,a\xff\n2,b\x00\n3,é😀\n", []string{`2 REFUSED line 2, column name: invalid UTF-8`, `3 REFUSED line 3, column name: NUL character`, `4 id=3 name="é😀"`}},

		{"semicolons", "name;level;powers\r\nYoda;900;Force, Patience\r\n\"a;\"\"b\";\"7\";\r\n", []string{`2 next name="Yoda" level="900" powers="Force, Patience"`, `3 next name="a;\"b" level="7"`}},
		{"CRLF within quotes after a semicolon", "id;name\r\n1;\"a\r\nb\"\r\n", []string{`2 id=1 name="a\r\nb"`}},
		{"tabs", "\"id\"\t\"name\"\n1\ta;b,c\n2\t\"d\te\"\n", []string{`2 id=1 name="a;b,c"`, `3 id=2 name="d\te"`}},
		{"the first separator wins", "id,name\n1,a;b\n2;c\n", []string{`2 id=1 name="a;b"`, `3 REFUSED line 3: 1 field, but the header has 2`}},
		{"sep=;", "\uFEFFsep=;\r\nid;name\r\n1;a,b\r\n", []string{`3 id=1 name="a,b"`}},
		{"sep=,", "sep=,\nname\na;b\n", []string{`3 next name="a;b"`}},
		{"sep with a tab", "sep=\t\nid\tname\n1\ta\n", []string{`3 id=1 name="a"`}},
		{"sep=|", "sep=|\nid|name\n1|a,b;c\n", []string{`3 id=1 name="a,b;c"`}},
		{"only sep", "sep=;\n", []string{`END line 2: the header line is missing`}},
		{"formatted numbers", "id;name;level\n1;a;900,0\n2;b;1 000\n3;c;9E2\n", []string{`2 REFUSED line 2, column level: "900,0" is not a 32-bit integer`, `3 REFUSED line 3, column level: "1 000" is not a 32-bit integer`, `4 REFUSED line 4, column level: "9E2" is not a 32-bit integer`}},

		{"empty file", "", []string{`END line 1: the header line is missing`}},
		{"only blank lines", "\n\n", []string{`END line 3: the header line is missing`}},
		{"unknown column", "id,name,cape\n1,a,b\n", []string{`END line 1: the header has an unknown column "cape"` + unknown}},
		{"another separator", "id|name\n", []string{`END line 1: the header has an unknown column "id|name"` + unknown}},
		{"duplicate column", "id,name,Name\n", []string{`END line 1: the header has column name twice`}},
		{"name missing", "id,level\n1,2\n", []string{`END line 1: the header lacks column name`}},
		{"misplaced quote in the header", "id,na\"me\n", []string{`END line 1: quote in an unquoted field`}},
		{"unterminated quoted field", "id,name\n1,a\n2,\"b\n3,c\n", []string{`2 id=1 name="a"`, `END line 3: unterminated quoted field`}},
	})
}

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
		t.Fatalf("the listing has %d lines, want %d:\n%s", got, want, strings.Join(lines, "\n"))
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
