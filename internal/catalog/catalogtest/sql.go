package catalogtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// execer is another client's connection pool, or a transaction in it.
type execer interface {
	ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error)
}

// exec runs statements through another client.
func (f *fixture[T]) exec(on execer, statements ...string) {
	f.Helper()
	for _, statement := range statements {
		if _, err := on.ExecContext(f.Context(), statement); err != nil {
			f.Fatalf("%s: %v", statement, err)
		}
	}
}

// insertElsewhere inserts an item through another client, or imports it if the engine has no SQL.
func (f *fixture[T]) insertElsewhere(item T) {
	f.Helper()
	if f.db.SQL == nil {
		f.put(item)
		return
	}
	f.exec(f.db.SQL, f.insertion(item))
}

// deleteElsewhere deletes an item through another client, or through the store if the engine has no SQL.
func (f *fixture[T]) deleteElsewhere(id int64) {
	f.Helper()
	if f.db.SQL == nil {
		f.write(id, remove[T])
		return
	}
	f.exec(f.db.SQL, fmt.Sprintf("DELETE FROM %s WHERE id = %d", f.engine.Kind.Table.Name, id))
}

// insertion returns a statement, valid in every dialect, that inserts an item whose strings contain no backslash.
func (f *fixture[T]) insertion(item T) string {
	table := f.engine.Kind.Table
	values := make([]string, len(table.Columns))
	for i, name := range table.Columns {
		values[i] = "'" + strings.ReplaceAll(table.Value(item, name), "'", "''") + "'"
	}
	return "INSERT INTO " + table.Name + " (" + strings.Join(table.Columns, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

// texts runs a query with a single column through another client, and returns the rows.
func (f *fixture[T]) texts(query string) []string {
	f.Helper()
	rows, err := f.db.SQL.QueryContext(f.Context(), query)
	if err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var found []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			f.Fatalf("%s: %v", query, err)
		}
		found = append(found, text)
	}
	if err := rows.Err(); err != nil {
		f.Fatalf("%s: %v", query, err)
	}
	return found
}

// describe returns the complete definition of the database's tables.
func (f *fixture[T]) describe() []string {
	f.Helper()
	found := f.texts(f.db.Describe)
	if len(found) == 0 {
		f.Fatal("the description of the tables is empty")
	}
	return found
}
