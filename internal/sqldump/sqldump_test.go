package sqldump_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"superheroes/internal/sqldump"
)

func reader(file io.Reader, mysql bool) *sqldump.Reader {
	columns := []string{"id", "name", "otherName", "level", "picture", "powers"}
	return sqldump.NewReader(bufio.NewReader(file), "hero", columns, mysql)
}

// listing formats each row of a file as one line, for comparison in tests.
func listing(file string, mysql bool) string {
	var out strings.Builder
	for r := reader(strings.NewReader(file), mysql); ; {
		row, err := r.Next()
		switch {
		case err == io.EOF:
			return out.String()
		case err != nil:
			fmt.Fprintf(&out, "END line %d: %v\n", r.Line(), err)
			return out.String()
		case row.Column != "":
			fmt.Fprintf(&out, "%d REFUSED column %s: %v\n", row.Line, row.Column, row.Err)
		case row.Err != nil:
			fmt.Fprintf(&out, "%d REFUSED %v\n", row.Line, row.Err)
		default:
			fmt.Fprintf(&out, "%d%s\n", row.Line, describe(row.Values))
		}
	}
}

// describe formats the values in the order of the columns.
func describe(values []sqldump.Value) string {
	text := map[string]string{}
	for _, v := range values {
		text[v.Column] = v.Text
	}
	described := " next"
	if id, given := text["id"]; given {
		described = " id=" + id
	}
	for _, column := range []string{"name", "otherName", "level", "picture", "powers"} {
		if text[column] != "" {
			described += fmt.Sprintf(" %s=%q", column, text[column])
		}
	}
	return described
}

// readCase is a file and the expected listing of its rows.
type readCase struct {
	name  string
	input string
	want  []string
}

func runCases(t *testing.T, mysql bool, cases []readCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Join(c.want, "\n"), strings.TrimSuffix(listing(c.input, mysql), "\n")); diff != "" {
				t.Errorf("read of\n%s\n(-want +got):\n%s", c.input, diff)
			}
		})
	}
}

func TestReadSQL(t *testing.T) {
	runCases(t, false, []readCase{
		{"empty file", "", nil},
		{"only comments", "-- nothing\n/* here */ -- end", nil},
		{"one row", "INSERT INTO hero(id, name, level) VALUES (7, 'Yoda', 900);", []string{`1 id=7 name="Yoda" level="900"`}},
		{"no semicolon at the end", "INSERT INTO hero(id,name) VALUES(7,'Yoda')", []string{`1 id=7 name="Yoda"`}},
		{"several rows over several lines", "INSERT INTO hero\n(id,\n name)\nVALUES\n(1, 'a'),\n(2,\n 'b'), (3, 'c')\n;\ninsert into hero(name) values ('d');",
			[]string{`5 id=1 name="a"`, `6 id=2 name="b"`, `7 id=3 name="c"`, `9 next name="d"`}},
		{"CRLF", "INSERT INTO hero(id, name)\r\nVALUES (1, 'a\r\nb'),\r\n(2, 'c');\r\n", []string{`2 id=1 name="a\r\nb"`, `4 id=2 name="c"`}},
		{"doubled quotes", "INSERT INTO hero(id, name) VALUES (1, 'T''Challa'), (2, ''''), (3, '');", []string{`1 id=1 name="T'Challa"`, `1 id=2 name="'"`, `1 id=3`}},
		{"signs within a string", "INSERT INTO hero(id, name) VALUES (1, 'a;b,c)--/*d'), (2, 'x\ny');", []string{`1 id=1 name="a;b,c)--/*d"`, `1 id=2 name="x\ny"`}},
		{"backslashes are text", `INSERT INTO hero(id, name) VALUES (1, 'C:\new\'), (2, '\\');`, []string{`1 id=1 name="C:\\new\\"`, `1 id=2 name="\\\\"`}},
		{"E strings", `INSERT INTO hero(id, name) VALUES (1, E'it\'s\t\x41\101\u00e9\U0001f600\q\\'''), (2, e'\b\f\n\r\7\x');`,
			[]string{`1 id=1 name="it's\tAAé😀q\\'"`, `1 id=2 name="\b\f\n\r\ax"`}},
		{"E string with invalid characters", `INSERT INTO hero(id, name) VALUES (1, E'\uD83D'), (2, E'\u12'), (3, E'\0'), (4, E'\xFF');`,
			[]string{`1 id=1 name="\xffD83D"`, `1 id=2 name="\xff12"`, `1 id=3 name="\x00"`, `1 id=4 name="\xff"`}},
		{"N string", `INSERT INTO hero(id, name) VALUES (1, N'a\b');`, []string{`1 id=1 name="a\\b"`}},
		{"words that aren't prefixes", `INSERT INTO hero(id, name) VALUES (numeric'1', 'a'), (2, escape'b\'), (3, 'c');`,
			[]string{`1 REFUSED column id: found "numeric'1'"`, `1 REFUSED column name: found "escape'b\\'"`, `1 id=3 name="c"`}},
		{"every next id", `INSERT INTO hero(id, name) VALUES (nextval('hibernate_sequence'), 'a'), (NEXTVAL ( 'hero_seq'::regclass ), 'b'),
(NEXT VALUE FOR hero_seq, 'c'), (next value for public."hero_seq", 'd'), (nextval(hero_seq), 'e'),
(pg_catalog.nextval('public.hero_seq'::regclass), 'f'), (NULL, 'g'), (DEFAULT, 'h'), (null, 'i');`,
			[]string{`1 next name="a"`, `1 next name="b"`, `2 next name="c"`, `2 next name="d"`, `2 next name="e"`, `3 next name="f"`, `3 next name="g"`, `3 next name="h"`, `3 next name="i"`}},
		{"NULL and DEFAULT stay zero", "INSERT INTO hero(id, name, level, powers) VALUES (1, 'a', NULL, DEFAULT);", []string{`1 id=1 name="a"`}},
		{"numbers as text and text as numbers", "INSERT INTO hero(id, name, level) VALUES ('1', 42, '9'), (2, 'a', 'nine');",
			[]string{`1 id=1 name="42" level="9"`, `1 id=2 name="a" level="nine"`}},
		{"signs", "INSERT INTO hero(id, name, level) VALUES (+1, 'a', -5), (2, + 7, - 6);", []string{`1 id=1 name="a" level="-5"`, `1 id=2 name="7" level="-6"`}},
		{"comments", "/* one /* nested */ ' */ INSERT -- what's\nINTO hero/**/(id, name) VALUES (1/*;*/, 'a'--)\n), -- next\n/*\n*/(2, 'b');",
			[]string{`2 id=1 name="a"`, `5 id=2 name="b"`}},
		{"two minus signs are a comment", "INSERT INTO hero(id, name) VALUES (1--5\n, 'a');", []string{`1 id=1 name="a"`}},
		{"quoted names and schema", "INSERT INTO \"public\".\"Hero\" (\"ID\", `OtherName`, NAME) VALUES (1, 'o', 'n');", []string{`1 id=1 name="n" otherName="o"`}},
		{"column order of the file", "INSERT INTO hero(level, name, id) VALUES (3, 'a', 1);", []string{`1 id=1 name="a" level="3"`}},
		{"conflict clauses are ignored", `INSERT INTO hero(id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'x;y';
INSERT OR REPLACE INTO hero(id, name) VALUES (2, 'b') RETURNING id;
REPLACE INTO hero(id, name) VALUES (3, 'c');
INSERT INTO hero(id, name) OVERRIDING SYSTEM VALUE VALUES (4, 'd');
INSERT INTO hero(id, name) OVERRIDING VALUE (5, 'e');`,
			[]string{`1 id=1 name="a"`, `2 id=2 name="b"`, `3 id=3 name="c"`, `4 id=4 name="d"`,
				`5 REFUSED expected VALUES, found "("`}},
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
			[]string{`1 REFUSED INSERT has no column list, and no preceding CREATE TABLE defines its columns`, `2 next name="b"`}},
		{"unknown column", "\nINSERT INTO hero(id, cape) VALUES (1, 'a'), (2, 'b');", []string{`2 REFUSED unknown column "cape"; known columns: id, name, otherName, level, picture, powers`}},
		{"column twice", "INSERT INTO hero(name, NAME) VALUES ('a', 'b');", []string{`1 REFUSED duplicate column name`}},
		{"no column", "INSERT INTO hero() VALUES ();", []string{`1 REFUSED expected a column, found ")"`}},
		{"columns without comma", "INSERT INTO hero(id name) VALUES (1, 'a');", []string{`1 REFUSED expected a comma or ) after a column, found "name"`}},
		{"select", "INSERT INTO hero(id, name) SELECT id, name FROM villain;", []string{`1 REFUSED expected VALUES, found "SELECT"`}},
		{"no INTO", "INSERT hero(id) VALUES (1);", []string{`1 REFUSED expected INTO, found "hero"`}},
		{"no table", "INSERT INTO 'hero'(id) VALUES (1);", []string{`1 REFUSED expected a table, found "hero"`}},
		{"no row", "INSERT INTO hero(id) VALUES;INSERT INTO hero(id) VALUES 1;", []string{`1 REFUSED expected ( before a row, found ";"`, `1 REFUSED expected ( before a row, found "1"`}},
		{"comma after the last row", "INSERT INTO hero(name) VALUES ('a'),\n;INSERT INTO hero(name) VALUES ('b')",
			[]string{`1 next name="a"`, `1 REFUSED expected ( before a row, found ";"`, `2 next name="b"`}},
		{"rows without comma", "INSERT INTO hero(name) VALUES ('a')\n('b'); INSERT INTO hero(name) VALUES ('c')",
			[]string{`1 next name="a"`, `2 REFUSED expected a comma or semicolon after the row, found "("`, `2 next name="c"`}},
		{"too few and too many values", "INSERT INTO hero(id, name) VALUES (1),\n(1, 'a', 2),\n(), (3, 'c');",
			[]string{`1 REFUSED 1 value for 2 columns`, `2 REFUSED 3 values for 2 columns`, `3 REFUSED 1 value for 2 columns`, `3 id=3 name="c"`}},
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
				`2 REFUSED column level: found "1 + 1"`,
				`3 REFUSED column name: found "upper('b), ;')"`,
				`4 REFUSED column level: found "5.0"`,
				`5 REFUSED column level: found "0x41"`,
				`6 REFUSED column level: found "nextval('level_seq')"`,
				`7 REFUSED column id: found "currval('hero_seq')"`,
				`8 REFUSED column name: found "'a' 'b'"`,
				`9 REFUSED column name: found "X'41'"`,
				`10 REFUSED column name: found "\"a\""`,
				`11 REFUSED column name: found "'a'::text"`,
				`12 REFUSED column name: found ""`,
				`13 REFUSED column level: found "TRUE"`,
				`14 REFUSED column level: found "(SELECT max(level) FROM hero WHERE name IN ('a', 'b'))"`,
				`16 REFUSED column id: found "nextval('hero_seq') + 1"`,
				`17 REFUSED column id: found "nextval()"`,
				`18 REFUSED column id: found "nextval('a', 'b')"`,
				`19 id=16 name="last" level="1"`,
			}},
		{"invalid UTF-8 and NUL", "INSERT INTO hero(id, name) VALUES (1, 'a\xff'), (2, 'b\x00'), (3, 'ok é😀');",
			[]string{`1 id=1 name="a\xff"`, `1 id=2 name="b\x00"`, `1 id=3 name="ok é😀"`}},
		{"semicolon within a row", "INSERT INTO hero(id, name) VALUES (1, 'a';\nINSERT INTO hero(name) VALUES ('b');",
			[]string{`1 REFUSED expected ) after the row, found ";"`, `2 next name="b"`}},
		{"semicolon within a value", "INSERT INTO hero(id, name) VALUES (1, f('a';\nINSERT INTO hero(name) VALUES ('b');",
			[]string{`1 REFUSED expected ) after the row, found ";"`, `2 next name="b"`}},

		{"unterminated string", "INSERT INTO hero(id, name) VALUES (1, 'a'),\n(2,\n'b);\n", []string{`1 id=1 name="a"`, `END line 3: unterminated quoted string`}},
		{"unterminated string in another statement", "SET a =\n'b;\n", []string{`END line 2: unterminated quoted string`}},
		{"E string that ends after a backslash", `INSERT INTO hero(name) VALUES (E'a\`, []string{`END line 1: unterminated quoted string`}},
		{"unterminated name", "INSERT INTO \"hero(id)", []string{`END line 1: unterminated quoted string`}},
		{"unterminated dollar quote", "DO $x$ a $x", []string{`END line 1: unterminated quoted string`}},
		{"unterminated comment", "SELECT 1;\n/* /* */\n", []string{`END line 2: unterminated comment`}},
		{"file ends within the head", "INSERT INTO hero(id,", []string{`END line 1: the file ends within a statement; expected a column`}},
		{"file ends before the rows", "INSERT INTO hero(id) VALUES\n", []string{`END line 2: the file ends within a statement; expected ( before a row`}},
		{"file ends within a row", "INSERT INTO hero(id, name) VALUES (1, 'a'", []string{`END line 1: the file ends within a statement; expected ) after the row`}},
		{"file ends after a comma", "INSERT INTO hero(id, name) VALUES (1, 'a'),\n", []string{`1 id=1 name="a"`, `END line 2: the file ends within a statement; expected ( before a row`}},
		{"UTF-32", "I\x00\x00\x00N\x00\x00\x00", []string{`END line 1: NUL byte: the file isn't UTF-8 text`}},
	})
}

func TestReadMySQL(t *testing.T) {
	runCases(t, true, []readCase{
		{"escapes", `INSERT INTO hero(id, name) VALUES (1, 'it\'s \"\\\b\n\r\t\Z'), (2, '50\% \_ \q '' "'), (3, '\0');`,
			[]string{`1 id=1 name="it's \"\\\b\n\r\t\x1a"`, `1 id=2 name="50\\% \\_ q ' \""`, `1 id=3 name="\x00"`}},
		{"double quotes make a string", `INSERT INTO hero(id, name) VALUES (1, "a'b""c\"d");`, []string{`1 id=1 name="a'b\"c\"d"`}},
		{"names in backticks", "INSERT IGNORE INTO `db`.`hero` (`id`, `name`) VALUE (1, 'a');", []string{`1 id=1 name="a"`}},
		{"prefixes", `INSERT INTO hero(id, name) VALUES (1, _utf8mb4'a\n'), (2, n'b\n'), (3, E'c');`,
			[]string{`1 id=1 name="a\n"`, `1 id=2 name="b\n"`, `1 REFUSED column name: found "E'c'"`}},
		{"comments", "# it's\n/*!40101 SET x /* ' */; -- it's\n--\nINSERT INTO hero(id, name) VALUES (1, --5), (2, 'b' # ,'\n);",
			[]string{`4 REFUSED column name: found "--5"`, `4 id=2 name="b"`}},
		{"duplicate key", "INSERT INTO hero(id, name) VALUES (1, 'a') ON DUPLICATE KEY UPDATE name = 'x;';\nINSERT INTO hero(id, name) VALUES (2, 'b') AS new ON DUPLICATE KEY UPDATE name = new.name;",
			[]string{`1 id=1 name="a"`, `2 id=2 name="b"`}},
		{"dollar signs don't quote", "SELECT $$; INSERT INTO hero(name) VALUES ('a');", []string{`1 next name="a"`}},
	})
}

func TestReadDumps(t *testing.T) {
	runCases(t, false, []readCase{
		{"COPY", `COPY public.hero (id, level, name, othername, powers) FROM stdin;
1	900	Yoda	\N	it's, "a" -- b; /* c
2	7	a\tb\\c\nd		\N
\.
SELECT pg_catalog.setval('public.hero_seq', 2, true);
`, []string{`2 id=1 name="Yoda" level="900" powers="it's, \"a\" -- b; /* c"`, `3 id=2 name="a\tb\\c\nd" level="7"`}},
		{"escapes of COPY", "COPY hero (id, name) FROM stdin;\n1\t\\b\\f\\r\\v\\101\\1018\\x41\\x4g\\xg\\q\\\t|\\N\\\n\\N\t\\\\N\n\\.\n",
			[]string{`2 id=1 name="\b\f\r\vAA8A\x04gxgq\t|N\\"`, `3 next name="\\N"`}},
		{"CRLF in COPY", "COPY hero (id, name) FROM stdin;\r\n1\ta\r\n\\.\r\nINSERT INTO hero(id) VALUES (2);", []string{`2 id=1 name="a"`, `4 id=2`}},
		{"invalid rows of COPY", "COPY hero (id, level) FROM stdin;\n1\n1\t2\t3\n\n4\tx\n5\t\\N\n6\t\\377\n\\.\n", []string{
			`2 REFUSED 1 value for 2 columns`, `3 REFUSED 3 values for 2 columns`, `4 REFUSED 1 value for 2 columns`,
			`5 id=4 level="x"`, `6 id=5`, `7 id=6 level="\xff"`}},
		{"no rows in COPY", "COPY hero (id) FROM stdin;\n\\.\nCOPY hero (id) FROM stdin;\n\\.\n", nil},
		{"COPY of other tables", "COPY villain (id, name) FROM stdin;\n1\tit's\n\\.\nCOPY hero (id) FROM stdin;\n1\n\\.\nCOPY (SELECT 'it''s') TO stdout;\nCOPY x FROM STDIN WITH (FORMAT csv);\n\"a\n\\.\n",
			[]string{`5 id=1`}},
		{"only COPY of another table", "COPY villain (id, name) FROM stdin;\n1\tit's\n\\.\n", []string{`END line 4: the file has rows of table "villain" and none of hero`}},
		{"COPY that isn't as pg_dump writes it", "COPY hero (id) FROM '/tmp/it';\nCOPY hero (id) FROM stdin WITH (FORMAT csv);\n\"1\n\\.\nCOPY hero (cape) FROM stdin;\nit's\n\\.\nCOPY hero FROM stdin;\n1\n\\.\nINSERT INTO hero(id) VALUES (2);",
			[]string{`1 REFUSED COPY must be FROM stdin without options, as pg_dump writes it`, `2 REFUSED COPY must be FROM stdin without options, as pg_dump writes it`,
				`5 REFUSED unknown column "cape"; known columns: id, name, otherName, level, picture, powers`,
				`8 REFUSED COPY has no column list, and no preceding CREATE TABLE defines its columns`, `11 id=2`}},
		{"COPY that ends with the file", "COPY hero (id) FROM stdin;\n1\n", []string{`2 id=1`, `END line 3: the file ends within a COPY, before its end marker`}},
		{"COPY of another table that ends with the file", "COPY x (id) FROM stdin;\n1", []string{`END line 2: the file ends within a COPY, before its end marker`}},
		{"COPY that ends with the file in its head", "COPY hero (id) FROM stdin", []string{`END line 1: the file ends within a COPY, before its end marker`}},
		{"CREATE TABLE names the columns", `CREATE TABLE public.villain (name text, id int);
CREATE UNLOGGED TABLE IF NOT EXISTS public.hero (
    level integer DEFAULT (1 + 2) CHECK (level IN (1, 2)),
    "id" bigint NOT NULL,
    CONSTRAINT a CHECK ((level > 0)),
    PRIMARY KEY (id, name),
    othername character varying(255) DEFAULT 'a,b'::character varying,
    name text
);
INSERT INTO public.hero VALUES (900, 1, NULL, 'Yoda'), (7, 2, 'b', 'a');
COPY public.hero FROM stdin;
3	3	c	d
\.
`, []string{`10 id=1 name="Yoda" level="900"`, `10 id=2 name="a" otherName="b" level="7"`, `12 id=3 name="d" otherName="c" level="3"`}},
		{"CREATE TABLE with other columns", "CREATE TABLE hero (id int, cape text);\nINSERT INTO hero VALUES (1, 'a');", []string{`2 REFUSED unknown column "cape"; known columns: id, name, otherName, level, picture, powers`}},
		{"sqlite3", `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "hero" (id INTEGER PRIMARY KEY AUTOINCREMENT, level INTEGER, name TEXT);
INSERT INTO hero VALUES(1,900,'T''Challa');
INSERT INTO sqlite_sequence VALUES('hero',1);
COMMIT;`, []string{`4 id=1 name="T'Challa" level="900"`}},
		{"other CREATEs", "CREATE TABLE hero AS SELECT 1; CREATE; CREATE TABLE; CREATE TABLE hero; CREATE TABLE 'x' (; CREATE VIEW hero (id) AS VALUES (1); INSERT INTO hero VALUES (1);",
			[]string{`1 REFUSED INSERT has no column list, and no preceding CREATE TABLE defines its columns`}},
		{"the header selects MySQL", "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11\nINSERT INTO `hero` (`id`,`name`) VALUES (1,'it\\'s');", []string{`3 id=1 name="it's"`}},
	})
	t.Run("MariaDB", func(t *testing.T) {
		runCases(t, true, []readCase{
			{"INSERT without columns", "DROP TABLE IF EXISTS `hero`;\n/*!40101 SET character_set_client = utf8mb4 */;\nCREATE TABLE `hero` (\n  `name` varchar(50) COLLATE utf8mb4_bin NOT NULL,\n" +
				"  `id` bigint(20) NOT NULL AUTO_INCREMENT,\n  `level` enum('a','b\\'),(') DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `name` (`name`),\n  KEY x (`name`)\n) ENGINE=InnoDB;\n" +
				"LOCK TABLES `hero` WRITE;\n/*!40000 ALTER TABLE `hero` DISABLE KEYS */;\nINSERT INTO `hero` VALUES\n('it\\'s',1,2),\n(_binary 'b\\0\\\"',2,NULL),(_latin1 'b',3,3),\n('c',4,4);\nUNLOCK TABLES;\n",
				[]string{`14 id=1 name="it's" level="2"`, `15 id=2 name="b\x00\""`, `15 REFUSED column name: found "_latin1 'b'"`, `16 id=4 name="c" level="4"`}},
			{"triggers", "DELIMITER ;;\nCREATE TRIGGER x BEGIN INSERT INTO hero(id) VALUES (9); it's;\n;\nEND ;;\ndelimiter ;\nINSERT INTO hero(id) VALUES (1);\nDELIMITER //\nit's //\n", []string{`6 id=1`}},
			{"the header selects PostgreSQL", "--\n-- PostgreSQL database dump\n--\nINSERT INTO hero(id, name) VALUES (1, '\\');", []string{`4 id=1 name="\\"`}},
		})
	})
}

// text generates strings with all the characters that are special in files.
func text() *rapid.Generator[string] {
	special := rapid.SampledFrom([]rune(" \t\r\n\v\"'`,;\\()-/*#$:%_0aN\x01\x1a\u00a0\u2028é😀\u0301\ufeff\ufffd"))
	return rapid.StringOf(rapid.OneOf(special, rapid.Rune().Filter(func(r rune) bool { return r != 0 })))
}

// writers are the ways in which dumps and people write a name and powers, each with its dialect.
var writers = []struct {
	name  string
	mysql bool
	sql   func(name, powers string) string
}{
	{"standard", false, values(func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" })},
	{"PostgreSQL's E", false, values(func(s string) string {
		return "E'" + strings.NewReplacer("'", `\'`, `\`, `\\`, "\n", `\n`, "é", `\u00e9`, "😀", `\U0001F600`).Replace(s) + "'"
	})},
	{"MySQL's backslashes", true, values(func(s string) string {
		return "'" + strings.NewReplacer("'", `\'`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(s) + "'"
	})},
	{"MySQL's double quotes", true, values(func(s string) string {
		return `"` + strings.NewReplacer(`"`, `""`, `\`, `\\`).Replace(s) + `"`
	})},
	{"COPY", false, func(name, powers string) string {
		escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\v", `\v`).Replace
		return "COPY hero (name, powers) FROM stdin;\n" + escape(name) + "\t" + escape(powers) + "\n\\.\n"
	}},
}

// values returns a writer of an INSERT with strings quoted by quote.
func values(quote func(string) string) func(name, powers string) string {
	return func(name, powers string) string {
		return fmt.Sprintf("INSERT INTO hero(name,powers)VALUES(%s,%s);", quote(name), quote(powers))
	}
}

func TestTextIsKept(t *testing.T) {
	for _, w := range writers {
		t.Run(w.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				name, powers := text().Draw(t, "name"), text().Draw(t, "powers")
				sql := w.sql(name, powers)
				row, err := reader(strings.NewReader(sql), w.mysql).Next()
				want := sqldump.Row{Line: row.Line, Values: []sqldump.Value{{Column: "name", Text: name}, {Column: "powers", Text: powers}}}
				if diff := cmp.Diff(want, row); err != nil || diff != "" {
					t.Fatalf("%s\n%v %s", sql, err, diff)
				}
			})
		})
	}
}
