// Package sqltable reads and writes the table of a catalog through database/sql. The SQLite and MariaDB stores share
// the package, which depends on neither engine.
package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"superheroes/internal/catalog"
)

// Reader implements the read methods of catalog.Store except IDs.
type Reader[T catalog.Item] struct {
	Table catalog.Table[T]
	pool  *sql.DB
	get   *sql.Stmt
	many  string // the query, up to but not including the list of ids
	page  *sql.Stmt
}

// NewReader prepares the statements that read the table. Closing db closes the prepared statements.
func NewReader[T catalog.Item](ctx context.Context, db *sql.DB, table catalog.Table[T]) (Reader[T], error) {
	selected := "SELECT " + table.SelectList() + " FROM " + table.Name
	r := Reader[T]{Table: table, pool: db, many: selected + " WHERE id IN ("}
	var err error
	if r.get, err = db.PrepareContext(ctx, selected+" WHERE id = ?"); err != nil {
		return r, fmt.Errorf("reading table %s: %w", table.Name, err)
	}
	r.page, err = db.PrepareContext(ctx, selected+" WHERE id > ? ORDER BY id LIMIT ?")
	return r, err
}

// Get implements catalog.Store.
func (r *Reader[T]) Get(ctx context.Context, id int64) (T, error) {
	item, err := catalog.ScanRow(r.Table, r.get.QueryRowContext(ctx, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return item, catalog.ErrNotFound
	}
	return item, err
}

// GetMany implements catalog.Store. The ids are part of the statement: with parameters, the MariaDB driver would need
// another round trip to prepare a statement for each distinct number of ids.
func (r *Reader[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	query := []byte(r.many)
	for _, id := range ids {
		query = append(strconv.AppendInt(query, id, 10), ',')
	}
	query[len(query)-1] = ')'
	return r.collect(r.pool.QueryContext(ctx, string(query)))
}

// Page implements catalog.Store.
func (r *Reader[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	return r.collect(r.page.QueryContext(ctx, after, limit))
}

// collect reads all rows of a query.
func (r *Reader[T]) collect(rows *sql.Rows, err error) (items []T, _ error) {
	err = each(rows, err, func(rows *sql.Rows) error {
		item, err := catalog.ScanRow(r.Table, rows.Scan)
		items = append(items, item)
		return err
	})
	return items, err
}

// Querier runs queries; *sql.DB, *sql.Conn and *sql.Tx implement it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Each runs a query and passes each row to take, until take returns an error.
func Each(ctx context.Context, from Querier, take func(*sql.Rows) error, query string, args ...any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	return each(rows, err, take)
}

func each(rows *sql.Rows, err error, take func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports any error that matters
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// IDs returns all positive ids in ascending order.
func IDs(ctx context.Context, from Querier, table string) (found []int64, err error) {
	var id int64
	into := []any{&id} // hoisted out of the loop: with up to a million rows, an allocation per row would be too expensive
	err = Each(ctx, from, func(rows *sql.Rows) error {
		err := rows.Scan(into...)
		found = append(found, id)
		return err
	}, "SELECT id FROM "+table+" WHERE id > 0 ORDER BY id")
	return found, err
}

// InTx calls do within a transaction, which is rolled back if do fails.
func InTx(ctx context.Context, db interface {
	BeginTx(ctx context.Context, options *sql.TxOptions) (*sql.Tx, error)
}, options *sql.TxOptions, do func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // has no effect after the commit
	if err = do(tx); err == nil {
		err = tx.Commit()
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return context.Cause(ctx) // database/sql rolled the transaction back because ctx ended
	}
	return err
}
