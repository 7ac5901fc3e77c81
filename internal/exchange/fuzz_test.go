package exchange_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"superheroes/internal/exchange"
)

// checkRead reads an arbitrary file and checks the guarantees of Read.
func checkRead(t *testing.T, input []byte, f exchange.Format, s exchange.Schema[hero]) {
	lines := 1 + bytes.Count(input, []byte("\n"))
	rows, lastLine, ended := 0, 1, false
	for row, err := range exchange.Read(bytes.NewReader(input), f, s) {
		if ended {
			t.Fatal("got a row after an error that should end the iteration")
		}
		if err != nil {
			ended = true
			continue
		}
		if rows++; rows > len(input) {
			t.Fatalf("got more rows than bytes in the file (%d)", len(input))
		}
		if row.Line < lastLine || row.Line > lines {
			t.Fatalf("got a row at line %d after a row at line %d, in a file of %d lines", row.Line, lastLine, lines)
		}
		lastLine = row.Line
		checkRow(t, row)
	}
}

func checkRow(t *testing.T, row exchange.Row[hero]) {
	if row.Err != nil {
		if !strings.HasPrefix(row.Err.Error(), "line ") {
			t.Fatalf("the error doesn't include a line number: %v", row.Err)
		}
		return
	}
	for _, column := range heroes().Columns {
		if text := heroes().Get(row.Item, column); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Fatalf("the row at line %d was accepted with %s %q", row.Line, column, text)
		}
	}
}

func FuzzReadSQL(f *testing.F) {
	for _, seed := range []string{
		"INSERT INTO hero(id, name, otherName) VALUES (nextval('hibernate_sequence'), 'T''Challa', NULL), (+7, E'a\\'\\u00e9', \"x\");",
		"-- c\n/* /* */ */ # d\nINSERT IGNORE INTO `a`.hero (level) VALUES (-1) ON CONFLICT DO NOTHING; DO $x$ ' $x$; COPY",
		"INSERT INTO hero(cape) SELECT 1; \\x y\nREPLACE INTO hero(name) VALUE (N'\\Z', _utf8'b'), (NEXT VALUE FOR a.b",
		"CREATE TABLE `hero` (`id` int, name text, PRIMARY KEY (`id`));\nDELIMITER ;;\nx;;\nDELIMITER ;\nINSERT INTO hero VALUES (1,_binary 'a');",
		"CREATE TABLE IF NOT EXISTS a.hero (name varchar(1) DEFAULT f(1, ','), CHECK (id > 0));\nCOPY a.hero FROM stdin;\n\\N\na\\tb\\101\\x4g\\\t\n\\.\nCOPY x(y) FROM stdin;\nz\n\\.\n",
		"\xff\xfeI\x00N\x00S\x00E\x00R\x00T\x00 \x00I\x00N\x00T\x00O\x00 \x00h\x00e\x00r\x00o\x00(\x00i\x00d\x00)\x00V\x00A\x00L\x00U\x00E\x00S\x00(\x001\x00)\x00\x3d\xd8",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, mysql bool) {
		s := heroes()
		s.MySQL = mysql
		checkRead(t, input, exchange.SQL, s)
	})
}

func FuzzReadJSONLines(f *testing.F) {
	f.Add([]byte("\uFEFF{\"id\":1,\"name\":\"Yoda\"}\r\n\n[]\n{\"name\":\"\\u0000\"}"))
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, exchange.JSONLines, heroes()) })
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("id,name\n1,\"a\"\"b\r\n\"\r\n\n2,b\rc,\n\"x\"y\n"))
	f.Add([]byte("sep=;\nid;name\n1;\"a\"\"b;\n\"\r\n"))
	f.Add([]byte("\xfe\xff\x00i\x00d\x00\t\x00n\x00a\x00m\x00e\x00\n\x001\x00\t\xd8\x3d\xde\x00"))
	f.Fuzz(func(t *testing.T, input []byte) { checkRead(t, input, exchange.CSV, heroes()) })
}
