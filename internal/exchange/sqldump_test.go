package exchange_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"superheroes/internal/exchange"

	"pgregory.net/rapid"
)

func TestReadDumps(t *testing.T) {
	runReadCases(t, exchange.SQL, heroes(), []readCase{
		{"COPY", `COPY public.hero (id, level, name, othername, powers) FROM stdin;
1	900	Yoda	\N	it's, "a" -- b; /* c
2	7	a\tb\\c\nd		\N
\.
SELECT pg_catalog.setval('public.hero_seq', 2, true);
`, []string{`2 id=1 name="Yoda" level="900" powers="it's, \"a\" -- b; /* c"`, `3 id=2 name="a\tb\\c\nd" level="7"`}},
		{"escapes of COPY", "COPY hero (id, name) FROM stdin;\n1\t\\b\\f\\r\\v\\101\\1018\\x41\\x4g\\xg\\q\\\t|\\N\\\n\\N\t\\\\N\n\\.\n",
			[]string{`2 id=1 name="\b\f\r\vAA8A\x04gxgq\t|N\\"`, `3 next name="\\N"`}},
		{"CRLF in COPY", "COPY hero (id, name) FROM stdin;\r\n1\ta\r\n\\.\r\nINSERT INTO hero(id) VALUES (2);", []string{`2 id=1 name="a"`, `4 id=2`}},
		{"rows of COPY that can't be taken", "COPY hero (id, level) FROM stdin;\n1\n1\t2\t3\n\n4\tx\n5\t\\N\n6\t\\377\n\\.\n", []string{
			`2 REFUSED line 2: 1 value for 2 columns`, `3 REFUSED line 3: 3 values for 2 columns`, `4 REFUSED line 4: 1 value for 2 columns`,
			`5 REFUSED line 5, column level: "x" is not an integer`, `6 id=5`, `7 REFUSED line 7, column level: invalid UTF-8`}},
		{"no rows in COPY", "COPY hero (id) FROM stdin;\n\\.\nCOPY hero (id) FROM stdin;\n\\.\n", nil},
		{"COPY of other tables", "COPY villain (id, name) FROM stdin;\n1\tit's\n\\.\nCOPY hero (id) FROM stdin;\n1\n\\.\nCOPY (SELECT 'it''s') TO stdout;\nCOPY x FROM STDIN WITH (FORMAT csv);\n\"a\n\\.\n",
			[]string{`5 id=1`}},
		{"only COPY of another table", "COPY villain (id, name) FROM stdin;\n1\tit's\n\\.\n", []string{`END line 4: the file has rows of table "villain" and none of hero`}},
		{"COPY that isn't as pg_dump writes it", "COPY hero (id) FROM '/tmp/it';\nCOPY hero (id) FROM stdin WITH (FORMAT csv);\n\"1\n\\.\nCOPY hero (cape) FROM stdin;\nit's\n\\.\nCOPY hero FROM stdin;\n1\n\\.\nINSERT INTO hero(id) VALUES (2);",
			[]string{`1 REFUSED line 1: a COPY that isn't just FROM stdin, as pg_dump writes it`, `2 REFUSED line 2: a COPY that isn't just FROM stdin, as pg_dump writes it`,
				`5 REFUSED line 5: an unknown column "cape"; known are id, name, otherName, level, picture, powers`,
				`8 REFUSED line 8: a COPY without a list of columns, and no CREATE TABLE before it says what its values are`, `11 id=2`}},
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
		{"CREATE TABLE with other columns", "CREATE TABLE hero (id int, cape text);\nINSERT INTO hero VALUES (1, 'a');", []string{`2 REFUSED line 2: an unknown column "cape"; known are id, name, otherName, level, picture, powers`}},
		{"other CREATEs", "CREATE TABLE hero AS SELECT 1; CREATE; CREATE TABLE; CREATE TABLE hero; CREATE TABLE 'x' (; CREATE VIEW hero (id) AS VALUES (1); INSERT INTO hero VALUES (1);",
			[]string{`1 REFUSED line 1: an INSERT without a list of columns, and no CREATE TABLE before it says what its values are`}},
		{"the header tells MySQL", "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11\nINSERT INTO `hero` (`id`,`name`) VALUES (1,'it\\'s');", []string{`3 id=1 name="it's"`}},
	})
	t.Run("MariaDB", func(t *testing.T) {
		runReadCases(t, exchange.SQL, mysqlHeroes(), []readCase{
			{"INSERT without columns", "DROP TABLE IF EXISTS `hero`;\n/*!40101 SET character_set_client = utf8mb4 */;\nCREATE TABLE `hero` (\n  `name` varchar(50) COLLATE utf8mb4_bin NOT NULL,\n" +
				"  `id` bigint(20) NOT NULL AUTO_INCREMENT,\n  `level` enum('a','b\\'),(') DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `name` (`name`),\n  KEY x (`name`)\n) ENGINE=InnoDB;\n" +
				"LOCK TABLES `hero` WRITE;\n/*!40000 ALTER TABLE `hero` DISABLE KEYS */;\nINSERT INTO `hero` VALUES\n('it\\'s',1,2),\n(_binary 'b\\0\\\"',2,NULL),(_latin1 'b',3,3),\n('c',4,4);\nUNLOCK TABLES;\n",
				[]string{`14 id=1 name="it's" level="2"`, `15 REFUSED line 15, column name: a NUL character`, `15 REFUSED line 15, column name: found "_latin1 'b'"`, `16 id=4 name="c" level="4"`}},
			{"triggers", "DELIMITER ;;\nCREATE TRIGGER x BEGIN INSERT INTO hero(id) VALUES (9); it's;\n;\nEND ;;\ndelimiter ;\nINSERT INTO hero(id) VALUES (1);\nDELIMITER //\nit's //\n", []string{`6 id=1`}},
			{"the header tells PostgreSQL", "--\n-- PostgreSQL database dump\n--\nINSERT INTO hero(id, name) VALUES (1, '\\');", []string{`4 id=1 name="\\"`}},
		})
	})
}

// COPY's own escapes bring back every text.
func TestCopyTextIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := hero{ID: 1, Name: text().Draw(t, "name"), Powers: text().Draw(t, "powers")}
		escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\v", `\v`).Replace
		sql := "COPY hero (name, id, powers) FROM stdin;\n" + escape(want.Name) + "\t1\t" + escape(want.Powers) + "\n\\.\n"
		if items := readAll(t, strings.NewReader(sql), exchange.SQL, heroes()); len(items) != 1 || items[0] != want {
			t.Fatalf("%q\ngot %+v, want %+v", sql, items, want)
		}
	})
}

// encode16 returns a text in UTF-16.
func encode16(order binary.AppendByteOrder, text string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = order.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

func TestReadUTF16(t *testing.T) {
	files := map[exchange.Format]string{
		exchange.SQL:       "INSERT INTO hero(id, name) VALUES\n(1, 'é😀\uFFFD');\n",
		exchange.CSV:       "id;name\r\n\r\n1;é😀\uFFFD\r\n",
		exchange.JSONLines: "{}\n" + `{"id":1,"name":"é😀` + "\uFFFD\"}\n",
	}
	for format, file := range files {
		want := listing(strings.NewReader(file), format, heroes())
		for name, order := range map[string]binary.AppendByteOrder{"little-endian": binary.LittleEndian, "big-endian": binary.BigEndian} {
			for _, mark := range []string{"", "\uFEFF"} {
				t.Run(format.String()+" "+name+" "+mark, func(t *testing.T) {
					if got := listing(strings.NewReader(encode16(order, mark+file)), format, heroes()); got != want || !strings.Contains(got, "é😀") {
						t.Errorf("got\n%swant\n%s", got, want)
					}
				})
			}
		}
	}
	t.Run("a long file", func(t *testing.T) {
		row := "1;" + strings.Repeat("é😀", 1000) + "\n"
		rows := readAll(t, strings.NewReader(encode16(binary.LittleEndian, "id;name\n"+strings.Repeat(row, 100))), exchange.CSV, heroes())
		for _, item := range rows {
			if item.Name != strings.Repeat("é😀", 1000) {
				t.Fatalf("got %.60q", item.Name)
			}
		}
		if len(rows) != 100 {
			t.Errorf("%d rows", len(rows))
		}
	})
	for name, broken := range map[string]string{
		"half of a pair":        "\x3d\xd8",
		"the other half":        "\x00\xde",
		"half of a pair, twice": "\x3d\xd8\x3d\xd8",
		"half of a character":   "a",
	} {
		t.Run(name, func(t *testing.T) {
			file := "\xff\xfe" + encode16(binary.LittleEndian, "id,name\n1,") + broken
			if got, want := listing(strings.NewReader(file), exchange.CSV, heroes()), "2 REFUSED line 2, column name: invalid UTF-8\n"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
