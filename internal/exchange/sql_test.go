package exchange_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"superheroes/internal/exchange"
)

func TestReadInserts(t *testing.T) {
	runReadCases(t, exchange.SQL, heroes(), []readCase{
		{"empty file", "", nil},
		{"CRLF and byte order mark", "\uFEFFINSERT INTO hero(id, name)\r\nVALUES (1, 'a\r\nb'),\r\n(2, 'c');\r\n", []string{`2 id=1 name="a\r\nb"`, `4 id=2 name="c"`}},
		{"values that don't fit an item", "INSERT INTO hero(id, name, level) VALUES (1, 'a\xff', 1),\n(2, 'b\x00', 1),\n(3, 'c', 'nine'),\n('4', 42, '+1');",
			[]string{`1 REFUSED line 1, column name: invalid UTF-8`, `2 REFUSED line 2, column name: NUL character`,
				`3 REFUSED line 3, column level: "nine" is not a 32-bit integer`, `4 id=4 name="42" level="1"`}},
		{"no semicolon at the end", "INSERT INTO hero(id,name) VALUES(7,'Yoda')", []string{`1 id=7 name="Yoda"`}},
		{"rows on several lines", "INSERT INTO hero\n(id,\n name)\nVALUES\n(1, 'a'),\n(2,\n 'b'), (3, 'c')\n;\ninsert into hero(name) values ('d');",
			[]string{`5 id=1 name="a"`, `6 id=2 name="b"`, `7 id=3 name="c"`, `9 next name="d"`}},
		{"doubled quotes", "INSERT INTO hero(id, name) VALUES (1, 'T''Challa'), (2, ''''), (3, '');", []string{`1 id=1 name="T'Challa"`, `1 id=2 name="'"`, `1 id=3`}},
		{"special characters within a string", "INSERT INTO hero(id, name) VALUES (1, 'a;b,c)--/*d'), (2, 'x\ny');", []string{`1 id=1 name="a;b,c)--/*d"`, `1 id=2 name="x\ny"`}},
		{"backslashes are text", `INSERT INTO hero(id, name) VALUES (1, 'C:\new\'), (2, '\\');`, []string{`1 id=1 name="C:\\new\\"`, `1 id=2 name="\\\\"`}},
		{"all forms of a missing id", `INSERT INTO hero(id, name) VALUES (nextval('hibernate_sequence'), 'a'), (NEXTVAL('public.hero_seq'::regclass), 'b'), (NULL, 'c'), (DEFAULT, 'd');`,
			[]string{`1 next name="a"`, `1 next name="b"`, `1 next name="c"`, `1 next name="d"`}},
		{"NULL and DEFAULT stay zero", "INSERT INTO hero(id, name, level, powers) VALUES (1, 'a', NULL, DEFAULT);", []string{`1 id=1 name="a"`}},
		{"comments", "/* one /* nested */ ' */ INSERT -- what's\nINTO hero/**/(id, name) VALUES (1/*;*/, 'a'--)\n), -- next\n/*\n*/(2, 'b');",
			[]string{`2 id=1 name="a"`, `5 id=2 name="b"`}},
		{"two minus signs start a comment", "INSERT INTO hero(id, name) VALUES (1--5\n, 'a');", []string{`1 id=1 name="a"`}},
		{"quoted names and schema", "INSERT INTO \"public\".\"Hero\" (\"ID\", `OtherName`, NAME) VALUES (1, 'o', 'n');", []string{`1 id=1 name="n" otherName="o"`}},
		{"columns in another order", "INSERT INTO hero(level, name, id) VALUES (3, 'a', 1);", []string{`1 id=1 name="a" level="3"`}},
		{"conflict clauses are ignored", `INSERT INTO hero(id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'x;y';
INSERT OR REPLACE INTO hero(id, name) VALUES (2, 'b') RETURNING id;
REPLACE INTO hero(id, name) VALUES (3, 'c');
INSERT INTO hero(id, name) OVERRIDING SYSTEM VALUE VALUES (4, 'd');
INSERT INTO hero(id, name) OVERRIDING VALUE (5, 'e');`,
			[]string{`1 id=1 name="a"`, `2 id=2 name="b"`, `3 id=3 name="c"`, `4 id=4 name="d"`,
				`5 REFUSED line 5: expected VALUES, found "OVERRIDING VALUE"`}},
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
			[]string{`1 REFUSED line 1: INSERT has no column list, and no preceding CREATE TABLE defines its columns`, `2 next name="b"`}},
		{"unknown column", "\nINSERT INTO hero(id, cape) VALUES (1, 'a'), (2, 'b');", []string{`2 REFUSED line 2: unknown column "cape"; known columns: id, name, otherName, level, picture, powers`}},
		{"select", "INSERT INTO hero(id, name) SELECT id, name FROM villain;", []string{`1 REFUSED line 1: expected VALUES, found "SELECT id, name FROM villain"`}},
		{"no row", "INSERT INTO hero(id) VALUES;INSERT INTO hero(id) VALUES 1;", []string{`1 REFUSED line 1: expected ( before a row, found ";"`, `1 REFUSED line 1: expected VALUES, found "VALUES 1"`}},
		{"comma after the last row", "INSERT INTO hero(name) VALUES ('a'),\n;INSERT INTO hero(name) VALUES ('b')",
			[]string{`1 next name="a"`, `2 REFUSED line 2: expected ( before a row, found ";"`, `2 next name="b"`}},
		{"rows without comma", "INSERT INTO hero(name) VALUES ('a')\n('b'); INSERT INTO hero(name) VALUES ('c')",
			[]string{`1 next name="a"`, `2 REFUSED line 2: expected a comma or semicolon after the row, found "("`, `2 next name="c"`}},
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
				`14 REFUSED line 14, column level: found "(SELECT max(level) FROM hero WHERE name IN ('a', 'b'))"`,
				`16 REFUSED line 16, column id: found "nextval('hero_seq') + 1"`,
				`17 REFUSED line 17, column id: found "nextval()"`,
				`18 REFUSED line 18, column id: found "nextval('a', 'b')"`,
				`19 id=16 name="last" level="1"`,
			}},
		{"semicolon within a value", "INSERT INTO hero(id, name) VALUES (1, f('a';\nINSERT INTO hero(name) VALUES ('b');",
			[]string{`1 REFUSED line 1: expected ) after the row, found ";"`, `2 next name="b"`}},

		{"unterminated string", "INSERT INTO hero(id, name) VALUES (1, 'a'),\n(2,\n'b);\n", []string{`1 id=1 name="a"`, `END line 3: unterminated quoted string`}},
		{"unterminated dollar quote", "DO $x$ a $x", []string{`END line 1: unterminated quoted string`}},
		{"unterminated comment", "SELECT 1;\n/* /* */\n", []string{`END line 2: unterminated comment`}},
		{"file ends within a column list", "INSERT INTO hero(id,", []string{`END line 1: the file ends within a statement; expected ) after the columns`}},
		{"file ends before the rows", "INSERT INTO hero(id) VALUES\n", []string{`END line 2: the file ends within a statement; expected ( before a row`}},
		{"file ends after a comma", "INSERT INTO hero(id, name) VALUES (1, 'a'),\n", []string{`1 id=1 name="a"`, `END line 2: the file ends within a statement; expected ( before a row`}},
		{"UTF-32", "I\x00\x00\x00N\x00\x00\x00", []string{`END line 1: NUL byte: the file isn't UTF-8 text`}},
	})
}

func TestReadMySQL(t *testing.T) {
	runReadCases(t, exchange.SQL, mysqlHeroes(), []readCase{
		{"escapes", `INSERT INTO hero(id, name) VALUES (1, 'it\'s \"\\\b\n\r\t\Z'), (2, '50\% \_ \q '' "');`,
			[]string{`1 id=1 name="it's \"\\\b\n\r\t\x1a"`, `1 id=2 name="50\\% \\_ q ' \""`}},
		{"double quotes enclose a string", `INSERT INTO hero(id, name) VALUES (1, "a'b""c\"d");`, []string{`1 id=1 name="a'b\"c\"d"`}},
		{"names in backticks", "INSERT IGNORE INTO `db`.`hero` (`id`, `name`) VALUE (1, 'a');", []string{`1 id=1 name="a"`}},
		{"comments", "# it's\n/*!40101 SET x /* ' */; -- it's\n--\nINSERT INTO hero(id, name) VALUES (1, --5), (2, 'b' # ,'\n);",
			[]string{`4 REFUSED line 4, column name: found "--5"`, `4 id=2 name="b"`}},
		{"duplicate key", "INSERT INTO hero(id, name) VALUES (1, 'a') ON DUPLICATE KEY UPDATE name = 'x;';\nINSERT INTO hero(id, name) VALUES (2, 'b') AS new ON DUPLICATE KEY UPDATE name = new.name;",
			[]string{`1 id=1 name="a"`, `2 id=2 name="b"`}},
		{"dollar signs don't quote", "SELECT $$; INSERT INTO hero(name) VALUES ('a');", []string{`1 next name="a"`}},
	})
}

func TestReadDumps(t *testing.T) {
	runReadCases(t, exchange.SQL, heroes(), []readCase{
		{"COPY", `COPY public.hero (id, level, name, othername, powers) FROM stdin;
1	900	Yoda	\N	it's, "a" -- b; /* c
2	7	a\tb\\c\nd		\N
\.
SELECT pg_catalog.setval('public.hero_seq', 2, true);
`, []string{`2 id=1 name="Yoda" level="900" powers="it's, \"a\" -- b; /* c"`, `3 id=2 name="a\tb\\c\nd" level="7"`}},
		{"CRLF in COPY", "COPY hero (id, name) FROM stdin;\r\n1\ta\r\n\\.\r\nINSERT INTO hero(id) VALUES (2);", []string{`2 id=1 name="a"`, `4 id=2`}},
		{"invalid rows of COPY", "COPY hero (id, level) FROM stdin;\n1\n1\t2\t3\n\n4\tx\n5\t\\N\n6\t\\061\n\\.\n", []string{
			`2 REFUSED line 2: 1 value for 2 columns`, `3 REFUSED line 3: 3 values for 2 columns`, `4 REFUSED line 4: 1 value for 2 columns`,
			`5 REFUSED line 5, column level: "x" is not a 32-bit integer`, `6 id=5`, `7 REFUSED line 7, column level: invalid UTF-8`}},
		{"no rows in COPY", "COPY hero (id) FROM stdin;\n\\.\nCOPY hero (id) FROM stdin;\n\\.\n", nil},
		{"COPY of other tables", "COPY villain (id, name) FROM stdin;\n1\tit's\n\\.\nCOPY hero (id) FROM stdin;\n1\n\\.\nCOPY (SELECT 'it''s') TO stdout;\nCOPY x FROM STDIN WITH (FORMAT csv);\n\"a\n\\.\n",
			[]string{`5 id=1`}},
		{"only a COPY of another table", "COPY villain (id, name) FROM stdin;\n1\tit's\n\\.\n", []string{`END line 4: the file has rows of table "villain" and none of hero`}},
		{"COPY in a form that pg_dump doesn't write", "COPY hero (id) FROM '/tmp/it';\nCOPY hero (id) FROM stdin WITH (FORMAT csv);\n\"1\n\\.\nCOPY hero (cape) FROM stdin;\nit's\n\\.\nCOPY hero FROM stdin;\n1\n\\.\nINSERT INTO hero(id) VALUES (2);",
			[]string{`1 REFUSED line 1: COPY must be FROM stdin without options, as pg_dump writes it`, `2 REFUSED line 2: COPY must be FROM stdin without options, as pg_dump writes it`,
				`5 REFUSED line 5: unknown column "cape"; known columns: id, name, otherName, level, picture, powers`,
				`8 REFUSED line 8: COPY has no column list, and no preceding CREATE TABLE defines its columns`, `11 id=2`}},
		{"file ends within COPY", "COPY hero (id) FROM stdin;\n1\n", []string{`2 id=1`, `END line 3: the file ends within a COPY, before its end marker`}},
		{"file ends inside a COPY of another table", "COPY x (id) FROM stdin;\n1", []string{`END line 2: the file ends within a COPY, before its end marker`}},
		{"file ends inside the COPY header", "COPY hero (id) FROM stdin", []string{`END line 1: the file ends within a COPY, before its end marker`}},
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
		{"CREATE TABLE with other columns", "CREATE TABLE hero (id int, cape text);\nINSERT INTO hero VALUES (1, 'a');", []string{`2 REFUSED line 2: unknown column "cape"; known columns: id, name, otherName, level, picture, powers`}},
		{"sqlite3", `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "hero" (id INTEGER PRIMARY KEY AUTOINCREMENT, level INTEGER, name TEXT);
INSERT INTO hero VALUES(1,900,'T''Challa');
INSERT INTO sqlite_sequence VALUES('hero',1);
COMMIT;`, []string{`4 id=1 name="T'Challa" level="900"`}},
		{"other CREATEs", "CREATE TABLE hero AS SELECT 1; CREATE; CREATE TABLE; CREATE TABLE hero; CREATE TABLE 'x' (; CREATE VIEW hero (id) AS VALUES (1); INSERT INTO hero VALUES (1);",
			[]string{`1 REFUSED line 1: INSERT has no column list, and no preceding CREATE TABLE defines its columns`}},
		{"the header selects MySQL", "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11\nINSERT INTO `hero` (`id`,`name`) VALUES (1,'it\\'s');", []string{`3 id=1 name="it's"`}},
	})
	t.Run("MariaDB", func(t *testing.T) {
		runReadCases(t, exchange.SQL, mysqlHeroes(), []readCase{
			{"INSERT without columns", "DROP TABLE IF EXISTS `hero`;\n/*!40101 SET character_set_client = utf8mb4 */;\nCREATE TABLE `hero` (\n  `name` varchar(50) COLLATE utf8mb4_bin NOT NULL,\n" +
				"  `id` bigint(20) NOT NULL AUTO_INCREMENT,\n  `level` enum('a','b\\'),(') DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `name` (`name`),\n  KEY x (`name`)\n) ENGINE=InnoDB;\n" +
				"LOCK TABLES `hero` WRITE;\n/*!40000 ALTER TABLE `hero` DISABLE KEYS */;\nINSERT INTO `hero` VALUES\n('it\\'s',1,2),\n(_binary 'b\\r\\\"',2,NULL),(_latin1 'b',3,3),\n('c',4,4);\nUNLOCK TABLES;\n",
				[]string{`14 id=1 name="it's" level="2"`, `15 id=2 name="b\r\""`, `15 REFUSED line 15, column name: found "_latin1 'b'"`, `16 id=4 name="c" level="4"`}},
			{"triggers", "DELIMITER ;;\nCREATE TRIGGER x BEGIN INSERT INTO hero(id) VALUES (9); it's;\n;\nEND ;;\ndelimiter ;\nINSERT INTO hero(id) VALUES (1);\nDELIMITER //\nit's //\n", []string{`6 id=1`}},
			{"the header selects PostgreSQL", "--\n-- PostgreSQL database dump\n--\nINSERT INTO hero(id, name) VALUES (1, '\\');", []string{`4 id=1 name="\\"`}},
		})
	})
}

// writers lists functions that write a name and powers as SQL in the styles of dumps and hand-written files, with
// their dialects.
var writers = []struct {
	name  string
	mysql bool
	sql   func(name, powers string) string
}{
	{"standard", false, values(func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" })},
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

// values returns a function that writes an INSERT with strings quoted by quote.
func values(quote func(string) string) func(name, powers string) string {
	return func(name, powers string) string {
		return fmt.Sprintf("INSERT INTO hero(name,powers)VALUES(%s,%s);", quote(name), quote(powers))
	}
}

func TestTextIsPreserved(t *testing.T) {
	for _, w := range writers {
		t.Run(w.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := hero{Name: text().Draw(t, "name"), Powers: text().Draw(t, "powers")}
				schema := heroes()
				schema.MySQL = w.mysql
				sql := w.sql(want.Name, want.Powers)
				if got := readAll(t, strings.NewReader(sql), exchange.SQL, schema); len(got) != 1 || got[0] != want {
					t.Fatalf("got %+v, want %+v, reading\n%s", got, want, sql)
				}
			})
		})
	}
}
