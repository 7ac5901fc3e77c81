package mariadb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"superheroes/internal/storage"
)

// column is the server's description of a column.
type column struct{ dataType, fullType, extra string }

// checkShape compares the table with what the catalog needs, and reports everything missing or unsuitable in one line.
// It returns the table's columns.
func (s *Catalog[T]) checkShape(ctx context.Context) (map[string]column, error) {
	found, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		// The table is gone, hidden or can't be opened: the server reports which.
		if _, err := s.db.ExecContext(ctx, pingLock+"SELECT 1 FROM "+s.Table.Name+" LIMIT 0"); err != nil {
			return nil, err
		}
		return nil, storage.Errorf(storage.ErrSchema, "the columns of table %s are not visible to this user", s.Table.Name)
	}
	var item T
	var wrong []string
	for i, field := range s.Table.Fields(&item) {
		name, suitable, want := s.Table.Columns[i].Name, textTypes, "text"
		if _, text := field.(*string); !text {
			suitable, want = integerTypes, "an integer"
		}
		switch got, exists := found[strings.ToLower(name)]; {
		case !exists:
			wrong = append(wrong, "has no column "+name)
		case !slices.Contains(strings.Fields(suitable), got.dataType):
			wrong = append(wrong, fmt.Sprintf("has %s in column %s, which must be %s", got.fullType, name, want))
		}
	}
	if wrong != nil {
		return nil, storage.Errorf(storage.ErrSchema, "table %s %s", s.Table.Name, strings.Join(wrong, ", "))
	}
	return found, nil
}

// Types of columns that can be read into a string or an integer without loss.
const (
	textTypes    = "char varchar tinytext text mediumtext longtext enum set binary varbinary tinyblob blob mediumblob longblob"
	integerTypes = "tinyint smallint mediumint int bigint"
)

// columns returns the table's columns by lower-case name.
func (s *Catalog[T]) columns(ctx context.Context) (map[string]column, error) {
	rows, err := s.db.QueryContext(ctx, pingLock+`SELECT LOWER(column_name), LOWER(data_type), column_type, LOWER(extra)
		FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?`, s.Table.Name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports what matters
	found := map[string]column{}
	for rows.Next() {
		var name string
		var c column
		if err := rows.Scan(&name, &c.dataType, &c.fullType, &c.extra); err != nil {
			return nil, err
		}
		found[name] = c
	}
	return found, rows.Err()
}
