package exchange_test

import (
	"testing"

	"superheroes/internal/exchange"
)

// The SQL parsing itself is tested in internal/sqldump.
func TestReadSQL(t *testing.T) {
	runReadCases(t, exchange.SQL, heroes(), []readCase{
		{"rows", "INSERT INTO hero(id, name, level) VALUES (7, 'Yoda', 900),\n(NULL, 'a\\', NULL);", []string{`1 id=7 name="Yoda" level="900"`, `2 next name="a\\"`}},
		{"CRLF and byte order mark", "\uFEFFINSERT INTO hero(id, name)\r\nVALUES (1, 'a\r\nb'),\r\n(2, 'c');\r\n", []string{`2 id=1 name="a\r\nb"`, `4 id=2 name="c"`}},
		{"values that no item can hold", "INSERT INTO hero(id, name, level) VALUES (1, 'a\xff', 1),\n(2, 'b\x00', 1),\n(3, 'c', 'nine'),\n(4, 'd', 1);",
			[]string{`1 REFUSED line 1, column name: invalid UTF-8`, `2 REFUSED line 2, column name: NUL character`, `3 REFUSED line 3, column level: "nine" is not an integer`, `4 id=4 name="d" level="1"`}},
		{"unreadable rows", "INSERT INTO hero(id, name) VALUES\n(1, upper('a')),\n(2), (3, 'c');\nINSERT INTO hero(cape) VALUES (1)",
			[]string{`2 REFUSED line 2, column name: found "upper('a')"`, `3 REFUSED line 3: 1 value for 2 columns`, `3 id=3 name="c"`,
				`4 REFUSED line 4: unknown column "cape"; known columns: id, name, otherName, level, picture, powers`}},
		{"unterminated string", "INSERT INTO hero(name) VALUES ('a'),\n('b", []string{`1 next name="a"`, `END line 2: unterminated quoted string`}},
	})
	runReadCases(t, exchange.SQL, mysqlHeroes(), []readCase{
		{"MySQL", `INSERT INTO hero(name) VALUES ('it\'s');`, []string{`1 next name="it's"`}},
	})
}
