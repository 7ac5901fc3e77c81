package behaviour

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"superheroes/test/system"
)

// row is a row of a table that another member of the family made. Only id and name are never NULL.
type row struct {
	id   int64
	name string
	rest bool // the other columns have values; else they are NULL, where the family's table allows it
}

// foundRows have the ids that Hibernate gives, ids beyond what a float can hold, and names on which engines differ.
var foundRows = []row{
	{1, "Élodie", true},
	{51, "l'élan vital", true},
	{101, "Straße", true},
	{151, "STRAẞE", true},
	{201, "100% Man", true},
	{251, "under_score", true},
	{301, "Caf\u00e9", true},
	{351, "cafe\u0301 decomposed", true},
	{401, "🦸🏽\u200d♀️ hero", true},
	{451, "İstanbul", true},
	{501, "ısı", true},
	{551, "ΣΊΣΥΦΟΣ", true},
	{601, "σίσυφος", true},
	{651, "\u212Aelvin", true},
	{701, "  two  blanks  ", true},
	{751, `back\slash`, true},
	{801, "<b>&\"'\x01\ufffe", true},
	{851, "nothing but a name", false},
	{9007199254740993, "beyond a float", true},
	{9007199254740995, "beyond a float, too", true},
	{9223372036854775807, "the last", true},
}

// TestFoundTables runs on tables that another member of the family made and filled: they are served as they are.
func TestFoundTables(t *testing.T) {
	eachFilled(t, foundRows, func(t *testing.T, s *system.System) {
		for _, r := range rooms {
			base := s.URL(r.service)
			t.Run(r.service+" rows", func(t *testing.T) { testFoundRows(t, base, r) })
			t.Run(r.service+" names", func(t *testing.T) { testNames(t, base, r) })
			t.Run(r.service+" gaps", func(t *testing.T) { testGaps(t, base, r) })
			t.Run(r.service+" random", func(t *testing.T) { testRandom(t, base, r) })
			t.Run(r.service+" edits", func(t *testing.T) { testFoundEdits(t, base, r) })
			t.Run(r.service+" pictures", func(t *testing.T) {
				for _, row := range foundRows {
					path := r.path() + "/" + strconv.FormatInt(row.id, 10) + "/picture.svg"
					checkPicture(t, path, get(t, base, path))
				}
			})
		}
		t.Run("execute_fight", func(t *testing.T) { testExecute(t, s) })
	})
}

// testFoundEdits changes a row that has NULL where it may, puts it back, and adds one, for which no id is left.
func testFoundEdits(t *testing.T, base string, r room) {
	const path = "/851"
	before := get(t, base, r.path()+path).body
	for _, picture := range []string{"/new", ""} {
		patch := call{method: "PATCH", target: r.path() + path, header: asAdmin, body: `{"picture":"` + picture + `"}`}
		if got := expect(t, base, patch, http.StatusOK); strings.Contains(got.body, `"/new"`) != (picture != "") {
			t.Errorf("got %s", got.body)
		}
	}
	if after := get(t, base, r.path()+path).body; after != before {
		t.Errorf("it was %s, and is %s", before, after)
	}
	full := do(t, base, call{method: "POST", target: r.path(), header: asAdmin, body: encode(r.sample("no id"))})
	checkProblem(t, full, http.StatusConflict, "there is no id left")
}

func testFoundRows(t *testing.T, base string, r room) {
	entries := all(t, base, r)
	if len(entries) != len(foundRows) {
		t.Fatalf("got %d entries of %d", len(entries), len(foundRows))
	}
	for i, row := range foundRows {
		if r.service == "locations" {
			want := location{ID: &row.id, Name: row.name, Type: "MOON"}
			if row.rest {
				want.Description, want.Picture = "D "+row.name, "/p/"+row.name
			}
			if diff := cmp.Diff(want, read[location](t, entries[i])); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
		} else {
			want := character{ID: &row.id, Name: row.name}
			if row.rest {
				want.OtherName, want.Level, want.Picture, want.Powers = "O "+row.name, 7, "/p/"+row.name, "P "+row.name
			}
			if diff := cmp.Diff(want, read[character](t, entries[i])); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
		}
		if one := get(t, base, r.path()+"/"+strconv.FormatInt(row.id, 10)).body; one != entries[i] {
			t.Errorf("got %s, in the list it is %s", one, entries[i])
		}
	}
}

func testNames(t *testing.T, base string, r room) {
	for _, c := range []struct {
		name, part string
		want       []int64
	}{
		{"a capital with an accent", "É", []int64{1, 51, 301}},
		{"a small letter with an accent", "é", []int64{1, 51, 301}},
		{"a letter without its accent", "elo", nil},
		{"a sharp s", "ß", []int64{101, 151}},
		{"a capital sharp s", "ẞ", []int64{101, 151}},
		{"two letters are no sharp s", "strasse", nil},
		{"a percent sign", "%", []int64{201}},
		{"a percent sign and text", "0% m", []int64{201}},
		{"an underscore", "_", []int64{251}},
		{"an underscore is no other letter", "under score", nil},
		{"an underscore is no placeholder", "u_der", nil},
		{"composed", "caf\u00e9", []int64{301}},
		{"decomposed", "CAFE\u0301", []int64{351}},
		{"a base letter", "cafe", []int64{351}},
		{"a combining mark", "\u0301", []int64{351}},
		{"an emoji", "🦸", []int64{401}},
		{"an emoji's modifier", "🏽", []int64{401}},
		{"half of a sequence", "\u200d♀", []int64{401}},
		{"a dotted capital I", "İ", []int64{451}},
		{"a plain i is no dotted capital I", "ist", nil},
		{"a dotless i", "ısı", []int64{501}},
		{"a dotless i has no capital here", "ISI", nil},
		{"Greek", "σίσυ", []int64{551, 601}},
		{"a final sigma", "φος", []int64{551, 601}},
		{"Greek capitals", "ΦΟΣ", []int64{551, 601}},
		{"a Kelvin sign is a k", "\u212Aelv", []int64{651}},
		{"a k is a Kelvin sign", "kelvin", []int64{651}},
		{"two blanks", "  ", []int64{701}},
		{"a blank at the end", "s  ", []int64{701}},
		{"a backslash", `\`, []int64{751}},
		{"an apostrophe", "'", []int64{51, 801}},
		{"a quote", `"`, []int64{801}},
		{"a control character", "\x01", []int64{801}},
		{"letter case", "BEYOND", []int64{9007199254740993, 9007199254740995}},
		{"the whole name", "the last", []int64{9223372036854775807}},
		{"more than the whole name", "the last.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int64
			for _, entry := range elements(t, get(t, base, r.path()+"?name="+url.QueryEscape(c.part)).body) {
				got = append(got, idOf(t, entry))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("with a limit and after", func(t *testing.T) {
		list := elements(t, get(t, base, r.path()+"?name=%C3%A9&limit=1&after=1").body)
		if len(list) != 1 || idOf(t, list[0]) != 51 {
			t.Errorf("got %v", list)
		}
	})
}

func testGaps(t *testing.T, base string, r room) {
	for after, want := range map[string]int64{"0": 1, "1": 51, "2": 51, "50": 51, "51": 101, "852": 9007199254740993, "9007199254740993": 9007199254740995, "9223372036854775806": 9223372036854775807} {
		list := elements(t, get(t, base, r.path()+"?limit=1&after="+after).body)
		if len(list) != 1 || idOf(t, list[0]) != want {
			t.Errorf("after %s: want %d, got %v", after, want, list)
		}
	}
	for _, id := range []string{"2", "50", "9007199254740992", "9007199254740994", "9223372036854775806"} {
		checkProblem(t, do(t, base, call{target: r.path() + "/" + id}), http.StatusNotFound, "there is no")
	}
}

// TestEmptyTables runs on tables that someone emptied: they stay empty.
func TestEmptyTables(t *testing.T) {
	answers := answers{}
	eachFilled(t, nil, func(t *testing.T, s *system.System) {
		for _, r := range rooms {
			t.Run(r.service, func(t *testing.T) {
				if got := get(t, s.URL(r.service), r.path()).body; got != "[]" {
					t.Errorf("got %s", got)
				}
				for _, path := range []string{r.random(), r.path() + "/random", r.path() + "/1"} {
					checkProblem(t, do(t, s.URL(r.service), call{target: path}), http.StatusNotFound, "there is no "+r.singular)
				}
				if got := get(t, s.URL(r.service), r.path()+"/picks?count=3"); got.body != "[]" || got.header.Get("X-Age-Ms") != "0" {
					t.Errorf("picks: got %s of the age %q", got.body, got.header.Get("X-Age-Ms"))
				}
			})
		}
		for path, peer := range map[string]string{"randomlocation": "locations", "randomfighters": "", "execute_fight": ""} {
			t.Run(path, func(t *testing.T) {
				received := do(t, s.Fights, call{target: "/api/fights/" + path})
				checkProblem(t, received, http.StatusServiceUnavailable, "the catalog of "+peer)
				if received.header.Get("Retry-After") == "" {
					t.Error("there is no Retry-After")
				}
				if peer != "" { // which of several answered first is chance
					answers.add(path, received)
				}
			})
		}
		if n := count(t, s); n != 0 {
			t.Errorf("%d fights were stored", n)
		}
	})
	answers.compare(t)
}

// eachFilled is system.Each on tables made beforehand, with these rows.
func eachFilled(t *testing.T, rows []row, test func(t *testing.T, s *system.System)) {
	t.Helper()
	program := system.Build(t)
	t.Run("one process on SQLite", func(t *testing.T) {
		dir := t.TempDir()
		for _, r := range rooms {
			fill(t, "sqlite", filepath.Join(dir, r.service+".db"), r, rows)
		}
		test(t, system.Up(t, program, dir))
	})
	t.Run("four processes on real engines", func(t *testing.T) {
		stores := system.RealStores(t)
		fill(t, "pgx", stores.Heroes, rooms[0], rows)
		fill(t, "pgx", stores.Villains, rooms[1], rows)
		fill(t, "mysql", mysqlDSN(t, stores.Locations), rooms[2], rows)
		test(t, system.Four(t, program, stores))
	})
}

// mysqlDSN spells a URL as the driver wants it.
func mysqlDSN(t *testing.T, text string) string {
	t.Helper()
	at, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = at.User.Username(), "tcp", at.Host, strings.Trim(at.Path, "/")
	config.Passwd, _ = at.User.Password()
	return config.FormatDSN()
}

// tables are as the family's applications make them, in a character set that holds every text.
var tables = map[string]string{
	"heroes":   "CREATE TABLE hero (id bigint NOT NULL PRIMARY KEY, level integer, name varchar(50), othername varchar(255), picture varchar(255), powers text)",
	"villains": "CREATE TABLE villain (id bigint NOT NULL PRIMARY KEY, level integer, name varchar(50), othername varchar(255), picture varchar(255), powers text)",
	"locations mysql": "CREATE TABLE locations (id bigint AUTO_INCREMENT PRIMARY KEY, description mediumtext, name varchar(50) NOT NULL UNIQUE, picture varchar(255), " +
		"type enum ('CITY','PLANET','PLACE','ISLAND','COUNTRY','MOON')) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
	"locations sqlite": "CREATE TABLE locations (id integer PRIMARY KEY, description text, name varchar(50) NOT NULL UNIQUE, picture varchar(255), type text)",
}

// fill makes the table of a catalog and puts the rows.
func fill(t *testing.T, driver, source string, r room, rows []row) {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	create := tables[r.service]
	if create == "" {
		create = tables[r.service+" "+driver]
	}
	execute(t, db, create)
	for _, row := range rows {
		columns, values := []string{"id", "name"}, []any{row.id, row.name}
		switch {
		case r.service == "locations" && row.rest:
			columns, values = append(columns, "type", "description", "picture"), append(values, "MOON", "D "+row.name, "/p/"+row.name)
		case r.service == "locations":
			columns, values = append(columns, "type"), append(values, "MOON")
		case row.rest:
			columns, values = append(columns, "othername", "level", "picture", "powers"), append(values, "O "+row.name, 7, "/p/"+row.name, "P "+row.name)
		}
		execute(t, db, "INSERT INTO "+map[string]string{"heroes": "hero", "villains": "villain", "locations": "locations"}[r.service]+
			" ("+strings.Join(columns, ", ")+") VALUES ("+placeholders(driver, len(values))+")", values...)
	}
}

func placeholders(driver string, n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = "?"
		if driver == "pgx" {
			marks[i] = "$" + strconv.Itoa(i+1)
		}
	}
	return strings.Join(marks, ", ")
}

func execute(t *testing.T, db *sql.DB, statement string, values ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, values...); err != nil {
		t.Fatalf("%.100s: %v", statement, err)
	}
}
