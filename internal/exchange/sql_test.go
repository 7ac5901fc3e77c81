package exchange_test

import (
	"fmt"
	"strings"
	"testing"

	"superheroes/internal/exchange"

	"pgregory.net/rapid"
)

func TestReadSQL(t *testing.T) {
	runReadCases(t, exchange.SQL, heroes(), []readCase{
		{"empty file", "", nil},
		{"only comments", "-- nothing\n/* here */ -- end", nil},
		{"one row", "INSERT INTO hero(id, name, level) VALUES (7, 'Yoda', 900);", []string{`1 id=7 name="Yoda" level="900"`}},
		{"no semicolon at the end", "INSERT INTO hero(id,name) VALUES(7,'Yoda')", []string{`1 id=7 name="Yoda"`}},
		{"several rows over several lines", "INSERT INTO hero\n(id,\n name)\nVALUES\n(1, 'a'),\n(2,\n 'b'), (3, 'c')\n;\ninsert into hero(name) values ('d');",
			[]string{`5 id=1 name="a"`, `6 id=2 name="b"`, `7 id=3 name="c"`, `9 next name="d"`}},
		{"CRLF", "INSERT INTO hero(id, name)\r\nVALUES (1, 'a\r\nb'),\r\n(2, 'c');\r\n", []string{`2 id=1 name="a\r\nb"`, `4 id=2 name="c"`}},
		{"byte order mark", "\uFEFFINSERT INTO hero(id, name) VALUES (1, 'a');", []string{`1 id=1 name="a"`}},
		{"doubled quotes", "INSERT INTO hero(id, name) VALUES (1, 'T''Challa'), (2, ''''), (3, '');", []string{`1 id=1 name="T'Challa"`, `1 id=2 name="'"`, `1 id=3`}},
		{"signs within a string", "INSERT INTO hero(id, name) VALUES (1, 'a;b,c)--/*d'), (2, 'x\ny');", []string{`1 id=1 name="a;b,c)--/*d"`, `1 id=2 name="x\ny"`}},
		{"backslashes are text", `INSERT INTO hero(id, name) VALUES (1, 'C:\new\'), (2, '\\');`, []string{`1 id=1 name="C:\\new\\"`, `1 id=2 name="\\\\"`}},
		{"E strings", `INSERT INTO hero(id, name) VALUES (1, E'it\'s\t\x41\101\u00e9\U0001f600\q\\'''), (2, e'\b\f\n\r\7\x');`,
			[]string{`1 id=1 name="it's\tAAé😀q\\'"`, `1 id=2 name="\b\f\n\r\ax"`}},
		{"E string with what no text holds", `INSERT INTO hero(id, name) VALUES (1, E'\uD83D'), (2, E'\u12'), (3, E'\0'), (4, E'\xFF');`,
			[]string{`1 REFUSED line 1, column name: invalid UTF-8`, `1 REFUSED line 1, column name: invalid UTF-8`,
				`1 REFUSED line 1, column name: a NUL character`, `1 REFUSED line 1, column name: invalid UTF-8`}},
		{"N string", `INSERT INTO hero(id, name) VALUES (1, N'a\b');`, []string{`1 id=1 name="a\\b"`}},
		{"every next id", `INSERT INTO hero(id, name) VALUES (nextval('hibernate_sequence'), 'a'), (NEXTVAL ( 'hero_seq'::regclass ), 'b'),
(NEXT VALUE FOR hero_seq, 'c'), (next value for public."hero_seq", 'd'), (nextval(hero_seq), 'e'),
(pg_catalog.nextval('public.hero_seq'::regclass), 'f'), (NULL, 'g'), (DEFAULT, 'h'), (null, 'i');`,
			[]string{`1 next name="a"`, `1 next name="b"`, `2 next name="c"`, `2 next name="d"`, `2 next name="e"`, `3 next name="f"`, `3 next name="g"`, `3 next name="h"`, `3 next name="i"`}},
		{"NULL and DEFAULT stay zero", "INSERT INTO hero(id, name, level, powers) VALUES (1, 'a', NULL, DEFAULT);", []string{`1 id=1 name="a"`}},
		{"numbers as text and text as numbers", "INSERT INTO hero(id, name, level) VALUES ('1', 42, '9'), (2, 'a', 'nine');",
			[]string{`1 id=1 name="42" level="9"`, `1 REFUSED line 1, column level: "nine" is not an integer`}},
		{"signs", "INSERT INTO hero(id, name, level) VALUES (+1, 'a', -5), (2, + 7, - 6);", []string{`1 id=1 name="a" level="-5"`, `1 id=2 name="7" level="-6"`}},
		{"comments", "/* one /* nested */ ' */ INSERT -- what's\nINTO hero/**/(id, name) VALUES (1/*;*/, 'a'--)\n), -- next\n/*\n*/(2, 'b');",
			[]string{`2 id=1 name="a"`, `5 id=2 name="b"`}},
		{"two minus signs are a comment", "INSERT INTO hero(id, name) VALUES (1--5\n, 'a');", []string{`1 id=1 name="a"`}},
		{"quoted names and schema", "INSERT INTO \"public\".\"Hero\" (\"ID\", `OtherName`, NAME) VALUES (1, 'o', 'n');", []string{`1 id=1 name="n" otherName="o"`}},
		{"order of the columns is the file's", "INSERT INTO hero(level, name, id) VALUES (3, 'a', 1);", []string{`1 id=1 name="a" level="3"`}},
		{"what to do with rows that are there is ignored", `INSERT INTO hero(id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'x;y';
INSERT OR REPLACE INTO hero(id, name) VALUES (2, 'b') RETURNING id;
REPLACE INTO hero(id, name) VALUES (3, 'c');
INSERT INTO hero(id, name) OVERRIDING SYSTEM VALUE VALUES (4, 'd');
INSERT INTO hero(id, name) OVERRIDING VALUE (5, 'e');`,
			[]string{`1 id=1 name="a"`, `2 id=2 name="b"`, `3 id=3 name="c"`, `4 id=4 name="d"`,
				`5 REFUSED line 5: VALUES should be where "(" is`}},
		{"other statements are skipped", `\restrict x'y
SET search_path = '';;
BEGIN;
CREATE TABLE hero (id int8 DEFAULT nextval('x;y'), "a;b" text);
CREATE FUNCTION f() RETURNS trigger AS $body$ BEGIN INSERT INTO hero(id) VALUES (1); it's $$ $bod$ $body$ LANGUAGE plpgsql;
DO $$ '; $$;
SELECT $1;
INSERT INTO hero(id, name) VALUES (1, 'a');
ALTER SEQUENCE hero_seq RESTART WITH 2; COMMIT`, []string{`8 id=1 name="a"`}},

		{"another table", "INSERT INTO villain(id, name) VALUES (1, 'a'), (2, 'b;c');\nINSERT INTO hero(id, name) VALUES (1, 'a');",
			[]string{`2 id=1 name="a"`}},
		{"another table only", "INSERT INTO villain(id, name) VALUES (1, 'a'), (2, 'b;c');\nINSERT INTO x.dog VALUES (1);\n",
			[]string{`END line 3: the file has rows of table "dog" and none of hero`}},
		{"no column list", "INSERT INTO hero VALUES (1, 'a');\nINSERT INTO hero(name) VALUES ('b')",
			[]string{`1 REFUSED line 1: an INSERT without a list of columns, and no CREATE TABLE before it says what its values are`, `2 next name="b"`}},
		{"unknown column", "\nINSERT INTO hero(id, cape) VALUES (1, 'a'), (2, 'b');", []string{`2 REFUSED line 2: an unknown column "cape"; known are id, name, otherName, level, picture, powers`}},
		{"column twice", "INSERT INTO hero(name, NAME) VALUES ('a', 'b');", []string{`1 REFUSED line 1: column name is there twice`}},
		{"no column", "INSERT INTO hero() VALUES ();", []string{`1 REFUSED line 1: a column should be where ")" is`}},
		{"columns without comma", "INSERT INTO hero(id name) VALUES (1, 'a');", []string{`1 REFUSED line 1: a comma or ) behind a column should be where "name" is`}},
		{"select", "INSERT INTO hero(id, name) SELECT id, name FROM villain;", []string{`1 REFUSED line 1: VALUES should be where "SELECT" is`}},
		{"no INTO", "INSERT hero(id) VALUES (1);", []string{`1 REFUSED line 1: INTO should be where "hero" is`}},
		{"no table", "INSERT INTO 'hero'(id) VALUES (1);", []string{`1 REFUSED line 1: a table should be where "hero" is`}},
		{"no row", "INSERT INTO hero(id) VALUES;INSERT INTO hero(id) VALUES 1;", []string{`1 REFUSED line 1: the ( of a row should be where ";" is`, `1 REFUSED line 1: the ( of a row should be where "1" is`}},
		{"comma behind the last row", "INSERT INTO hero(name) VALUES ('a'),\n;INSERT INTO hero(name) VALUES ('b')",
			[]string{`1 next name="a"`, `1 REFUSED line 1: the ( of a row should be where ";" is`, `2 next name="b"`}},
		{"rows without comma", "INSERT INTO hero(name) VALUES ('a')\n('b'); INSERT INTO hero(name) VALUES ('c')",
			[]string{`1 next name="a"`, `2 REFUSED line 2: a comma or semicolon behind the row should be where "(" is`, `2 next name="c"`}},
		{"too few and too many values", "INSERT INTO hero(id, name) VALUES (1),\n(1, 'a', 2),\n(), (3, 'c');",
			[]string{`1 REFUSED line 1: 1 value for 2 columns`, `2 REFUSED line 2: 3 values for 2 columns`, `3 REFUSED line 3: 1 value for 2 columns`, `3 id=3 name="c"`}},
		{"values that aren't plain", `INSERT INTO hero(id, name, level) VALUES
(1, 'a', 1 + 1),
(2, upper('b), ;'), 1),
(3, 'a', 5.0),
(4, 'a', 0x41),
(5, 'a', nextval('level_seq')),
(currval('hero_seq'), 'a', 1),
(7, 'a' 'b', 1),
(8, X'41', 1),
(9, "a", 1),
(10, 'a'::text, 1),
(11, , 1),
(12, 'a', TRUE),
(13, 'a', (SELECT max(level) /* the
highest */ FROM hero WHERE name IN ('a', 'b'))),
(nextval('hero_seq') + 1, 'a', 1),
(nextval(), 'a', 1),
(nextval('a', 'b'), 'a', 1),
(16, 'last', 1);`,
			[]string{
				`2 REFUSED line 2, column level: found "1 + 1"`,
				`3 REFUSED line 3, column name: found "upper('b), ;')"`,
				`4 REFUSED line 4, column level: found "5.0"`,
				`5 REFUSED line 5, column level: found "0x41"`,
				`6 REFUSED line 6, column level: found "nextval('level_seq')"`,
				`7 REFUSED line 7, column id: found "currval('hero_seq')"`,
				`8 REFUSED line 8, column name: found "'a' 'b'"`,
				`9 REFUSED line 9, column name: found "X'41'"`,
				`10 REFUSED line 10, column name: found "\"a\""`,
				`11 REFUSED line 11, column name: found "'a'::text"`,
				`12 REFUSED line 12, column name: found ""`,
				`13 REFUSED line 13, column level: found "TRUE"`,
				`14 REFUSED line 14, column level: found "(SELECT max(level) FROM hero WHERE name …"`,
				`16 REFUSED line 16, column id: found "nextval('hero_seq') + 1"`,
				`17 REFUSED line 17, column id: found "nextval()"`,
				`18 REFUSED line 18, column id: found "nextval('a', 'b')"`,
				`19 id=16 name="last" level="1"`,
			}},
		{"invalid UTF-8 and NUL", "INSERT INTO hero(id, name) VALUES (1, 'a\xff'), (2, 'b\x00'), (3, 'ok é😀');",
			[]string{`1 REFUSED line 1, column name: invalid UTF-8`, `1 REFUSED line 1, column name: a NUL character`, `1 id=3 name="ok é😀"`}},
		{"row that its statement ends", "INSERT INTO hero(id, name) VALUES (1, 'a';\nINSERT INTO hero(name) VALUES ('b');",
			[]string{`1 REFUSED line 1: the ) of the row should be where ";" is`, `2 next name="b"`}},
		{"value that its statement ends", "INSERT INTO hero(id, name) VALUES (1, f('a';\nINSERT INTO hero(name) VALUES ('b');",
			[]string{`1 REFUSED line 1: the ) of the row should be where ";" is`, `2 next name="b"`}},

		{"string without end", "INSERT INTO hero(id, name) VALUES (1, 'a'),\n(2,\n'b);\n", []string{`1 id=1 name="a"`, `END line 3: what begins with a quote here doesn't end`}},
		{"string without end in another statement", "SET a =\n'b;\n", []string{`END line 2: what begins with a quote here doesn't end`}},
		{"E string that ends behind its backslash", `INSERT INTO hero(name) VALUES (E'a\`, []string{`END line 1: what begins with a quote here doesn't end`}},
		{"name without end", "INSERT INTO \"hero(id)", []string{`END line 1: what begins with a quote here doesn't end`}},
		{"dollar quote without end", "DO $x$ a $x", []string{`END line 1: what begins with a quote here doesn't end`}},
		{"comment without end", "SELECT 1;\n/* /* */\n", []string{`END line 2: a comment that doesn't end`}},
		{"file ends within the head", "INSERT INTO hero(id,", []string{`END line 1: the file ends within a statement, where a column should be`}},
		{"file ends before the rows", "INSERT INTO hero(id) VALUES\n", []string{`END line 2: the file ends within a statement, where the ( of a row should be`}},
		{"file ends within a row", "INSERT INTO hero(id, name) VALUES (1, 'a'", []string{`END line 1: the file ends within a statement, where the ) of the row should be`}},
		{"file ends behind a comma", "INSERT INTO hero(id, name) VALUES (1, 'a'),\n", []string{`1 id=1 name="a"`, `END line 2: the file ends within a statement, where the ( of a row should be`}},
		{"UTF-32", "I\x00\x00\x00N\x00\x00\x00", []string{`END line 1: a NUL byte: this isn't a text file in UTF-8`}},
	})
}

func TestReadMySQL(t *testing.T) {
	runReadCases(t, exchange.SQL, mysqlHeroes(), []readCase{
		{"escapes", `INSERT INTO hero(id, name) VALUES (1, 'it\'s \"\\\b\n\r\t\Z'), (2, '50\% \_ \q '' "'), (3, '\0');`,
			[]string{`1 id=1 name="it's \"\\\b\n\r\t\x1a"`, `1 id=2 name="50\\% \\_ q ' \""`, `1 REFUSED line 1, column name: a NUL character`}},
		{"double quotes make a string", `INSERT INTO hero(id, name) VALUES (1, "a'b""c\"d");`, []string{`1 id=1 name="a'b\"c\"d"`}},
		{"names in backticks", "INSERT IGNORE INTO `db`.`hero` (`id`, `name`) VALUE (1, 'a');", []string{`1 id=1 name="a"`}},
		{"prefixes", `INSERT INTO hero(id, name) VALUES (1, _utf8mb4'a\n'), (2, n'b\n'), (3, E'c');`,
			[]string{`1 id=1 name="a\n"`, `1 id=2 name="b\n"`, `1 REFUSED line 1, column name: found "E'c'"`}},
		{"comments", "# it's\n/*!40101 SET x /* ' */; -- it's\n--\nINSERT INTO hero(id, name) VALUES (1, --5), (2, 'b' # ,'\n);",
			[]string{`4 REFUSED line 4, column name: found "--5"`, `4 id=2 name="b"`}},
		{"duplicate key", "INSERT INTO hero(id, name) VALUES (1, 'a') ON DUPLICATE KEY UPDATE name = 'x;';\nINSERT INTO hero(id, name) VALUES (2, 'b') AS new ON DUPLICATE KEY UPDATE name = new.name;",
			[]string{`1 id=1 name="a"`, `2 id=2 name="b"`}},
		{"dollar is a sign", "SELECT $$; INSERT INTO hero(name) VALUES ('a');", []string{`1 next name="a"`}},
	})
}

// quotings are the ways in which a text can be written in SQL.
var quotings = []struct {
	name   string
	schema exchange.Schema[hero]
	quote  func(string) string
}{
	{"standard", heroes(), func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }},
	{"PostgreSQL's E", heroes(), func(s string) string {
		return "E'" + strings.NewReplacer("'", `\'`, `\`, `\\`, "\n", `\n`, "é", `\u00e9`, "😀", `\U0001F600`).Replace(s) + "'"
	}},
	{"MySQL's backslashes", mysqlHeroes(), func(s string) string {
		return "'" + strings.NewReplacer("'", `\'`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(s) + "'"
	}},
	{"MySQL's double quotes", mysqlHeroes(), func(s string) string {
		return `"` + strings.NewReplacer(`"`, `""`, `\`, `\\`).Replace(s) + `"`
	}},
}

func TestSQLTextIsKept(t *testing.T) {
	for _, q := range quotings {
		t.Run(q.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := hero{ID: rapid.Int64Min(1).Draw(t, "id"), Name: text().Draw(t, "name"), Powers: text().Draw(t, "powers")}
				sql := fmt.Sprintf("INSERT INTO hero(id,name,powers)VALUES(%d,%s,%s);", want.ID, q.quote(want.Name), q.quote(want.Powers))
				items := readAll(t, strings.NewReader(sql), exchange.SQL, q.schema)
				if len(items) != 1 || items[0] != want {
					t.Fatalf("%s\ngot %+v, want %+v", sql, items, want)
				}
			})
		})
	}
}
