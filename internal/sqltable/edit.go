package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"superheroes/internal/catalog"
)

// Edit changes one row of a catalog's table within a transaction, as catalog.Store.Write specifies.
type Edit[T catalog.Item] struct {
	Table   catalog.Table[T]
	Tx      Tx
	Lock    string // SQL clause that locks the row, appended to the query
	Insert  func(ctx context.Context, item *T) error
	Refusal func(error) error // translates errors caused by the row rather than the store
}

// Tx runs the statements of a transaction; *sql.Tx and *sql.Conn implement it.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Run applies change to the row with the given id, as catalog.Store.Write specifies, and returns the changed row.
func (e Edit[T]) Run(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error) {
	old, err := e.read(ctx, id)
	item, err := catalog.Change(old, err, change)
	switch {
	case err != nil:
		return nil, err
	case item == nil:
		err = e.changeRow(ctx, "DELETE FROM "+e.Table.Name+" WHERE id = ?", id)
	case id == 0:
		err = e.Insert(ctx, item)
	default:
		*e.Table.Key(item) = id
		err = e.changeRow(ctx, Updating(e.Table.Name, e.Table.Columns), append(e.Table.Fields(item)[1:], id)...)
	}
	return item, e.Refusal(err)
}

// changeRow runs a statement that changes a locked row.
func (e Edit[T]) changeRow(ctx context.Context, statement string, args ...any) error {
	return Changed(e.Table)(e.Tx.ExecContext(ctx, statement, args...))
}

// Changed returns a function that checks the result of a statement that must change exactly one row.
func Changed[T catalog.Item](table catalog.Table[T]) func(done sql.Result, err error) error {
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

// read returns the row with the given id, or nil if the id is 0.
func (e Edit[T]) read(ctx context.Context, id int64) (*T, error) {
	if id == 0 {
		return nil, nil
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE id = ?%s", e.Table.SelectList(), e.Table.Name, e.Lock)
	item, err := catalog.ScanForUpdate(e.Table, e.Tx.QueryRowContext(ctx, query, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, catalog.ErrNotFound
	}
	return &item, err
}

// Insertion returns the INSERT statement for a row with all columns.
func Insertion(table string, columns []string) string {
	parameters := strings.Repeat(", ?", len(columns)-1)
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(columns, ", "), parameters)
}

// Updating returns the UPDATE statement for all columns except the id, which is the statement's last parameter.
func Updating(table string, columns []string) string {
	return fmt.Sprintf("UPDATE %s SET %s = ? WHERE id = ?", table, strings.Join(columns[1:], " = ?, "))
}
