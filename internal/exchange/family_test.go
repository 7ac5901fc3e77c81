package exchange_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/internal/exchange"
)

// record is an item with arbitrary columns, to read the family's own files.
type record map[string]string

func records(table string, mysql bool, columns ...string) exchange.Schema[record] {
	return exchange.Schema[record]{
		Table:   table,
		Columns: columns,
		MySQL:   mysql,
		Set: func(r *record, column, text string) error {
			if *r == nil {
				*r = record{}
			}
			(*r)[column] = text
			return nil
		},
	}
}

func TestFamilyFiles(t *testing.T) {
	character := []string{"id", "name", "otherName", "level", "picture", "powers"}
	cases := []struct {
		file   string
		schema exchange.Schema[record]
		rows   int
		spot   map[int]record // by line; some of the columns
	}{
		{"all-heroes.sql", records("hero", false, character...), 3458, map[int]record{
			4:   {"name": "Zacama", "otherName": "", "level": "15000"},
			676: {"name": "Ghost Rider (Zarathos' Power)", "otherName": "Johnny Blaze"},
			716: {"name": "Martian Manhunter", "otherName": "J'onn J'onzz"},
		}},
		{"all-villains.sql", records("villain", false, character...), 1797, map[int]record{
			4:   {"name": "Dark Nebula", "otherName": "", "level": "230000"},
			214: {"name": "Widowmaker", "otherName": "Am\uFFFDlie Lacroix"},
		}},
		{"all-locations.sql", records("locations", true, "id", "name", "description", "picture", "type"), 31, map[int]record{
			2:  {"name": "Gotham City", "type": "CITY"},
			58: {"name": "K'un-Lun"},
			62: {"name": "Wakanda", "type": "COUNTRY"},
		}},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			path := filepath.Join("..", "..", "..", "shared", "data", "quarkus", c.file)
			text, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("the family's data set isn't here")
			}
			if err != nil {
				t.Fatal(err)
			}
			rows := readFamily(t, string(text), c.schema)
			if len(rows) != c.rows {
				t.Errorf("%d rows, want %d", len(rows), c.rows)
			}
			for line, want := range c.spot {
				checkColumns(t, rows[line], want)
			}
		})
	}
}

// readFamily returns the rows by line; each must be valid and leave its id to the database.
func readFamily(t *testing.T, text string, s exchange.Schema[record]) map[int]record {
	t.Helper()
	rows := make(map[int]record)
	for row, err := range exchange.Read(strings.NewReader(text), exchange.SQL, s) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Err != nil {
			t.Error(row.Err)
		}
		if id, given := row.Item[s.Columns[0]]; given {
			t.Errorf("line %d: has the id %s, want the next", row.Line, id)
		}
		if got, want := len(row.Item), len(s.Columns)-1; got != want {
			t.Errorf("line %d: %d columns, want %d", row.Line, got, want)
		}
		rows[row.Line] = row.Item
	}
	return rows
}

func checkColumns(t *testing.T, got, want record) {
	t.Helper()
	for column, text := range want {
		if got[column] != text {
			t.Errorf("%s of %v: got %q, want %q", column, got, got[column], text)
		}
	}
}
