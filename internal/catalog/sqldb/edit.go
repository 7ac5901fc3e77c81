package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"superheroes/internal/catalog"
)

// edit is the change of one row in a transaction, as catalog.Store's Write describes it.
type edit[T catalog.Item] struct {
	table   catalog.Table[T]
	tx      *sql.Tx
	lock    string // what locks a row that is read, behind the query
	insert  func(ctx context.Context, tx *sql.Tx, item *T) error
	refusal func(error) error // tells what is wrong with the row from what is wrong with the store
}

func (e edit[T]) run(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error) {
	old, err := e.read(ctx, id)
	item, err := catalog.Change(old, err, change)
	switch {
	case err != nil:
		return nil, err
	case item == nil:
		err = e.changeRow(ctx, "DELETE FROM "+e.table.Name+" WHERE id = ?", id)
	case id == 0:
		err = e.insert(ctx, e.tx, item)
	default:
		*e.table.Key(item) = id
		err = e.changeRow(ctx, updating(e.table.Name, e.table.Names()), append(e.table.Fields(item)[1:], id)...)
	}
	return item, e.refusal(err)
}

// changeRow runs a statement that changes a locked row.
func (e edit[T]) changeRow(ctx context.Context, statement string, args ...any) error {
	return changed(e.table)(e.tx.ExecContext(ctx, statement, args...))
}

// changed returns a function that turns the result of a statement which must change a row into its error.
func changed[T catalog.Item](table catalog.Table[T]) func(done sql.Result, err error) error {
	return func(done sql.Result, err error) error {
		if err != nil {
			return err
		}
		rows, err := done.RowsAffected()
		if err != nil {
			return err
		}
		return catalog.CheckChanged(table, rows)
	}
}

// read returns the row with that id, nil for an id of 0.
func (e edit[T]) read(ctx context.Context, id int64) (*T, error) {
	if id == 0 {
		return nil, nil
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE id = ?%s", e.table.SelectList(), e.table.Name, e.lock)
	item, err := catalog.ScanForUpdate(e.table, e.tx.QueryRowContext(ctx, query, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, catalog.ErrNotFound
	}
	return &item, err
}

// insertion is the statement that inserts a row with all its columns.
func insertion(table string, columns []string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
}

// updating is the statement that sets all columns behind the id; its last value is the id.
func updating(table string, columns []string) string {
	return fmt.Sprintf("UPDATE %s SET %s = ? WHERE id = ?", table, strings.Join(columns[1:], " = ?, "))
}
