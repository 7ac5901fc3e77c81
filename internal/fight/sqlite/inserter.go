package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"superheroes/internal/embedded"
	"superheroes/internal/fight"
	"superheroes/internal/fight/groupcommit"
	"superheroes/internal/storage"
)

// inserter stores fights through the driver itself, with statements that are prepared once: database/sql would prepare
// BEGIN and COMMIT anew each time, and takes a lock, an allocation and a goroutine or two for each row. Its calls don't
// overlap: there is one connection for writes.
type inserter struct {
	db  *embedded.DB
	of  any // the connection that the statements belong to, nil when there are none
	own statements
}

type statements struct {
	begin, commit statement
	one, many     statement // INSERT of one row, and of manyRows
}

type statement struct{ driver.StmtExecContext }

// manyRows is how many rows one statement inserts, when there are as many: each row then costs a third less
// (BenchmarkInsert).
const manyRows = 8

// insert stores a batch in one transaction. It returns the error of each document that the table refuses, beside which
// the others are stored, and one that concerns all the others: then the connection must not be used any more, and what
// it began ends with it. Before the commit surely nothing is stored, nor after one that could not be written; when its
// sync failed, or the files were not at their path afterwards, nobody knows.
func (in *inserter) insert(ctx context.Context, conn any, batch []groupcommit.Document) (errs []error, err error) {
	defer func() {
		if err != nil {
			in.close() // a connection whose statements are open lives on, with its locks
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
	if err = in.insertRows(ctx, batch); embedded.IsConstraint(err) || errors.Is(err, storage.ErrSchema) {
		errs, err = in.insertApart(ctx, conn, batch)
	}
	if err != nil {
		return errs, err
	}
	if _, err := in.own.commit.run(ctx); embedded.Undone(err) {
		return errs, err
	} else if err != nil {
		return errs, fmt.Errorf("%w: %w", fight.ErrMaybeStored, in.db.Trouble(err))
	}
	if err := in.db.Committed(); err != nil {
		return errs, fmt.Errorf("%w: %w", fight.ErrMaybeStored, err)
	}
	return errs, nil
}

// begin begins a transaction, in files that are still those at their path.
func (in *inserter) begin(ctx context.Context) error {
	if _, err := in.own.begin.run(ctx); err != nil {
		return fmt.Errorf("waiting for the write lock: %w", in.db.Waited(err))
	}
	return in.db.Begun()
}

// insertRow inserts one row. It returns why the table refuses it, or an error that concerns the whole transaction.
func (in *inserter) insertRow(ctx context.Context, row groupcommit.Document) (refused, err error) {
	n, err := in.own.one.run(ctx, row)
	switch {
	case embedded.IsConstraint(err):
		return err, nil
	case err == nil && n == 0:
		return in.db.Dropped(), nil
	}
	return nil, err
}

// insertRows inserts a batch into the transaction. When the table refuses or drops a row nobody knows which rows are in it, or
// whether it goes on: that is for the trigger (RAISE(FAIL), INSERT OR ROLLBACK) or the constraint (ON CONFLICT FAIL) to say.
func (in *inserter) insertRows(ctx context.Context, batch []groupcommit.Document) error {
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

// insertApart begins the transaction anew and inserts each row behind a savepoint, so that nothing is left of one that is
// refused. What rolls back the transaction refuses the whole batch.
func (in *inserter) insertApart(ctx context.Context, conn any, batch []groupcommit.Document) ([]error, error) {
	exec := func(query string) error {
		_, err := conn.(driver.ExecerContext).ExecContext(ctx, query, nil)
		return err
	}
	_ = exec("ROLLBACK") // fails when the refusal did it
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

// prepare makes the statements, unless they are there.
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

// close ends the statements.
func (in *inserter) close() {
	for _, s := range []statement{in.own.begin, in.own.one, in.own.many, in.own.commit} {
		if s.StmtExecContext != nil {
			_ = s.StmtExecContext.(driver.Stmt).Close() // reports once more what its last run did
		}
	}
	*in = inserter{db: in.db}
}

// run executes the statement with two arguments for each row. It returns how many rows were inserted by it, or by the last
// that inserts some.
func (s statement) run(ctx context.Context, rows ...groupcommit.Document) (int64, error) {
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
