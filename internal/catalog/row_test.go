package catalog_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/storage"
)

// TestScanRow scans rows as a driver does: it sets each field or returns an error.
func TestScanRow(t *testing.T) {
	table := character.Heroes().Table
	outOfRange := errors.New(`converting "5000000000" to an int32: out of range`)
	for _, c := range []struct {
		name   string
		change func(*character.Character)
		scan   error
		want   string // expected text in the row's error, "" for no error
	}{
		{"a good row", func(*character.Character) {}, nil, ""},
		{"a row of NULLs", func(c *character.Character) { *c = character.Character{ID: 7} }, nil, ""},
		{"a level below 0", func(c *character.Character) { c.Level = -1 }, nil, `hero 7 can't be read: level "-1" must be from 0 to 2147483647`},
		{"a long name", func(c *character.Character) { c.Name = strings.Repeat("é", 51) }, nil, "must have 1 to 50 characters, not 51"},
		{"two fields", func(c *character.Character) { c.Name, c.Powers = "a\x00", "\xff" }, nil, `name "a\x00" has a NUL character, powers "\xff" is not valid UTF-8`},
		{"a value that doesn't fit its field", func(*character.Character) {}, outOfRange, "hero 7 can't be read: converting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := character.Heroes().Example
			want.ID = 7
			c.change(&want)
			got, err := catalog.ScanRow(table, func(fields ...any) error {
				for i, value := range table.Fields(&want) {
					switch field := fields[i].(type) {
					case *int64:
						*field = *value.(*int64)
					case *int32:
						*field = *value.(*int32)
					case *string:
						*field = *value.(*string)
					}
				}
				return c.scan
			})
			var row *storage.RowError
			switch {
			case c.want == "" && (err != nil || got != want):
				t.Errorf("got %v and %v, want %v", got, err, want)
			case c.want != "" && (!errors.As(err, &row) || row.ID != "7" || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := catalog.ScanRow(table, func(...any) error { return sql.ErrNoRows }); err != sql.ErrNoRows { //nolint:errorlint // as it is
		t.Errorf("without a row: got %v, want sql.ErrNoRows", err)
	}
}
