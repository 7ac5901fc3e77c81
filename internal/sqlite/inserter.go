package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"superheroes/internal/fight"
	"superheroes/internal/storage"
)

// inserter stores fights through the driver itself, with statements that are prepared once: database/sql would prepare
// BEGIN and COMMIT every time, and needs a lock, an allocation and a goroutine or two for each row. Calls must not
// overlap, which holds since there is only one connection for writes.
type inserter struct {
	db  *DB
	of  any // the connection that the statements belong to, or nil
	own statements
}

type statements struct {
	begin, commit statement
	one, many     statement // INSERT of one row, and of manyRows
}

type statement struct{ driver.StmtExecContext }

// manyRows is how many rows one statement inserts if there are enough: each row then costs a third less
// (BenchmarkInsert).
const manyRows = 8

// insert stores a batch in one transaction. It returns an error for each document that the table refuses, which doesn't
// affect the others, and an error that affects all others. After the latter the connection must be dropped, which ends
// the transaction. If it happened before the commit, or if the commit could not be written, nothing is stored. If the
// sync failed, or the files were no longer at their path afterwards, the result is unknown.
func (in *inserter) insert(ctx context.Context, conn any, batch []fight.Document) (errs []error, err error) {
	defer func() {
		if err != nil {
			in.close() // with open statements, a closed connection would live on and keep its locks
		}
	}()
	if err := in.prepare(ctx, conn); err != nil {
		return nil, fmt.Errorf("preparing the statements: %w", err)
	}
	if err := in.begin(ctx); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	errs = make([]error, len(batch))
	if err = in.insertRows(ctx, batch); IsConstraint(err) || errors.Is(err, storage.ErrSchema) {
		errs, err = in.insertApart(ctx, conn, batch)
	}
	if err != nil {
		return errs, err
	}
	if _, err := in.own.commit.run(ctx); Undone(err) {
		return errs, err
	} else if err != nil {
		return errs, fmt.Errorf("%w: %w", fight.ErrMaybeStored, in.db.Trouble(err))
	}
	if err := in.db.Committed(); err != nil {
		return errs, fmt.Errorf("%w: %w", fight.ErrMaybeStored, err)
	}
	return errs, nil
}

// begin begins a transaction and checks that the files are still at their path.
func (in *inserter) begin(ctx context.Context) error {
	if _, err := in.own.begin.run(ctx); err != nil {
		return fmt.Errorf("waiting for the write lock: %w", in.db.Waited(err))
	}
	return in.db.Begun()
}

// insertRow inserts one row. It returns why the table refuses it, or an error of the whole transaction.
func (in *inserter) insertRow(ctx context.Context, row fight.Document) (refused, err error) {
	n, err := in.own.one.run(ctx, row)
	switch {
	case IsConstraint(err):
		return err, nil
	case err == nil && n == 0:
		return in.db.Dropped(), nil
	}
	return nil, err
}

// insertRows inserts a batch into the transaction. After the table has refused or dropped a row it is unknown which rows are in it, or
// whether it still exists: that depends on the trigger (RAISE(FAIL), INSERT OR ROLLBACK) or the constraint (ON CONFLICT FAIL).
func (in *inserter) insertRows(ctx context.Context, batch []fight.Document) error {
	for len(batch) > 0 {
		insert, rows := in.own.one, batch[:1]
		if len(batch) >= manyRows {
			insert, rows = in.own.many, batch[:manyRows]
		}
		n, err := insert.run(ctx, rows...)
		switch {
		case err != nil:
			return err
		case n < int64(len(rows)):
			return in.db.Dropped()
		}
		batch = batch[len(rows):]
	}
	return nil
}

// insertApart restarts the transaction and inserts each row within a savepoint, so that nothing remains of a row that is
// refused. A refusal that rolls back the transaction refuses the whole batch.
func (in *inserter) insertApart(ctx context.Context, conn any, batch []fight.Document) ([]error, error) {
	exec := func(query string) error {
		_, err := conn.(driver.ExecerContext).ExecContext(ctx, query, nil)
		return err
	}
	_ = exec("ROLLBACK") // fails if the refusal did it
	if err := in.begin(ctx); err != nil {
		return nil, err
	}
	errs := make([]error, len(batch))
	for i := range batch {
		if err := exec("SAVEPOINT apart"); err != nil {
			return errs, err
		}
		refused, err := in.insertRow(ctx, batch[i])
		if err != nil {
			return errs, err
		}
		if errs[i] = refused; refused != nil && exec("ROLLBACK TO apart") != nil {
			return errs, refused
		}
		if err := exec("RELEASE apart"); err != nil {
			return errs, err
		}
	}
	return errs, nil
}

// prepare prepares the statements unless they are already.
func (in *inserter) prepare(ctx context.Context, conn any) (err error) {
	if in.of == conn {
		return nil
	}
	prepare := func(query string) (s statement) {
		if err != nil {
			return s
		}
		var prepared driver.Stmt
		if prepared, err = conn.(driver.ConnPrepareContext).PrepareContext(ctx, query); err == nil {
			s.StmtExecContext = prepared.(driver.StmtExecContext)
		}
		return s
	}
	const insert, row = "INSERT INTO fight (id, document) VALUES ", "(?, ?)"
	in.of, in.own = conn, statements{
		begin:  prepare("BEGIN IMMEDIATE"),
		one:    prepare(insert + row),
		many:   prepare(insert + strings.Repeat(row+", ", manyRows-1) + row),
		commit: prepare("COMMIT"),
	}
	return err
}

// close closes the statements.
func (in *inserter) close() {
	for _, s := range []statement{in.own.begin, in.own.one, in.own.many, in.own.commit} {
		if s.StmtExecContext != nil {
			_ = s.StmtExecContext.(driver.Stmt).Close() // reports its last run's error again
		}
	}
	*in = inserter{db: in.db}
}

// run executes the statement with two arguments per row. It returns the number of rows inserted by it, or by the last
// statement that inserted any.
func (s statement) run(ctx context.Context, rows ...fight.Document) (int64, error) {
	var room [2 * manyRows]driver.NamedValue
	args := room[:0]
	for i := range rows {
		args = append(args,
			driver.NamedValue{Ordinal: 2*i + 1, Value: rows[i].ID[:]},
			driver.NamedValue{Ordinal: 2*i + 2, Value: rows[i].Bytes})
	}
	result, err := s.ExecContext(ctx, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
