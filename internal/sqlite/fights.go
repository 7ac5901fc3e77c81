package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/sqltable"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Fights is a fight.Store in a SQLite file.
type Fights struct {
	db       *DB
	prepared statements
	// Its Insert method implements fight.Store. Insert stores the fight in a transaction of its own or in the group's
	// next transaction. If the context ends before the transaction begins, Insert gives up.
	*fight.Committer
	written *fight.Written
}

var _ fight.Store = (*Fights)(nil)

// statements contains prepared statements that insert fights by calling the driver directly: database/sql would prepare
// BEGIN and COMMIT every time, and would need a lock, an allocation and one or two goroutines for each row. Only the
// goroutine that holds the single write connection uses the statements.
type statements struct {
	of            any // the connection that the statements belong to, or nil
	begin, commit driver.StmtExecContext
	one, many     driver.StmtExecContext // INSERT statements for one row and for manyRows rows
}

// manyRows is the number of rows in a multi-row INSERT, which reduces the cost per row by a third (BenchmarkInsert).
const manyRows = 8

// tableIsReadable is a query that fails unless the fights table exists with all columns.
const tableIsReadable = "SELECT number, id, document FROM fight LIMIT 1"

// OpenFights opens the file and creates the table if it is missing. A file that can't be written is opened read-only.
// In a grouped store, concurrent inserts share one transaction and therefore one fsync.
func OpenFights(ctx context.Context, path, schema string, grouped bool) (*Fights, error) {
	db, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := db.create(ctx, "table fight", schema, tableIsReadable); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Fights{db: db, written: fight.NewWritten()}
	s.Committer = fight.NewSingleCommitter(s.write)
	if grouped {
		s.Committer = fight.NewCommitter(s.write)
	}
	return s, nil
}

// Measure adds the metrics of the writes and of the connection pools.
func (s *Fights) Measure(m *telemetry.Metrics) {
	s.written.Measure(m)
	s.Committer.Measure(m, "sqlite", "fight")
	s.MeasurePool(m)
}

// MeasurePool adds only the metrics of the connection pools, for a service that stores no fights.
func (s *Fights) MeasurePool(m *telemetry.Metrics) { s.db.measure(m, "fight") }

// write stores a batch in one transaction, and returns an error for each document that is not stored. A document that
// the table refuses doesn't affect the others; any other failure affects the whole batch. After a failure before the
// commit, or if the commit could not be written, nothing is stored. If the sync failed, or if the files were no longer
// at their path after the commit, the result is unknown.
//
// write waits for other writes and other processes, but only until ctx ends. Once the transaction has begun, it can't
// be interrupted, so that the outcome is known.
func (s *Fights) write(ctx context.Context, batch []fight.Document) []error {
	errs := make([]error, len(batch)) // errors of the refused documents
	conn, err := s.db.Writes.Conn(ctx)
	if err != nil {
		return s.results(errs, fmt.Errorf("waiting for the writer: %w", s.db.waited(err)))
	}
	defer func() { _ = conn.Close() }() // returns the connection to the pool
	_ = conn.Raw(func(raw any) error {
		if err = s.begin(ctx, raw); err == nil {
			if err = s.insert(batch); isRefusal(err) {
				err = s.insertApart(raw, batch, errs)
			}
		}
		if err == nil {
			err = s.commit()
		}
		if err == nil {
			return nil
		}
		s.prepared.close()       // with open statements, a closed connection would stay alive and keep its locks
		return driver.ErrBadConn // ends the transaction by closing the connection, whose cache may differ from the file
	})
	return s.results(errs, err)
}

// results returns each document's result: the document's own error if it was refused, otherwise err.
func (s *Fights) results(refused []error, err error) []error {
	for i := range refused {
		refused[i] = s.db.trouble(cmp.Or(refused[i], err))
	}
	s.written.Record(refused)
	if slices.Contains(refused, nil) {
		s.db.wrote(nil)
	} else {
		s.db.wrote(refused[len(refused)-1])
	}
	return refused
}

// begin begins a transaction and checks that the files are still at their path.
func (s *Fights) begin(ctx context.Context, conn any) error {
	if err := s.prepared.prepare(ctx, conn); err != nil {
		return fmt.Errorf("preparing the statements: %w", err)
	}
	if _, err := s.prepared.begin.ExecContext(ctx, nil); err != nil {
		return fmt.Errorf("waiting for the write lock: %w", s.db.waited(err))
	}
	return s.db.guard.begun()
}

// insert inserts a batch into the transaction. If the table has refused or dropped a row, it is unknown which rows are
// in the transaction, or whether the transaction still exists: that depends on the trigger (RAISE(FAIL), INSERT OR
// ROLLBACK) or the constraint (ON CONFLICT FAIL).
func (s *Fights) insert(batch []fight.Document) error {
	for len(batch) > 0 {
		statement, rows := s.prepared.one, batch[:1]
		if len(batch) >= manyRows {
			statement, rows = s.prepared.many, batch[:manyRows]
		}
		args := make([]driver.NamedValue, 0, 2*len(rows))
		for i := range rows {
			args = append(args,
				driver.NamedValue{Ordinal: 2*i + 1, Value: rows[i].ID[:]},
				driver.NamedValue{Ordinal: 2*i + 2, Value: rows[i].Bytes})
		}
		result, err := statement.ExecContext(context.Background(), args)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n < int64(len(rows)) {
			return cmp.Or(err, s.db.dropped())
		}
		batch = batch[len(rows):]
	}
	return nil
}

// isRefusal reports whether err means that the table refuses or drops a row.
func isRefusal(err error) bool { return isConstraint(err) || errors.Is(err, storage.ErrSchema) }

// insertApart restarts the transaction and inserts each row within a savepoint, so that a refused row leaves nothing
// behind. If refusing a row rolls back the transaction, the whole batch is refused.
func (s *Fights) insertApart(conn any, batch []fight.Document, errs []error) error {
	exec := func(query string) error {
		_, err := conn.(driver.ExecerContext).ExecContext(context.Background(), query, nil)
		return err
	}
	_ = exec("ROLLBACK") // fails if the refusal has already rolled the transaction back
	if err := s.begin(context.Background(), conn); err != nil {
		return err
	}
	for i := range batch {
		if err := exec("SAVEPOINT apart"); err != nil {
			return err
		}
		err := s.insert(batch[i : i+1])
		if err != nil && (!isRefusal(err) || exec("ROLLBACK TO apart") != nil) {
			return err
		}
		errs[i] = err
		if err := exec("RELEASE apart"); err != nil {
			return err
		}
	}
	return nil
}

// commit commits the transaction and checks that the files that contain it are still at their path.
func (s *Fights) commit() error {
	if _, err := s.prepared.commit.ExecContext(context.Background(), nil); undone(err) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w", fight.ErrMaybeStored, s.db.trouble(err))
	}
	if err := s.db.guard.committed(); err != nil {
		return fmt.Errorf("%w: %w", fight.ErrMaybeStored, err)
	}
	return nil
}

// prepare prepares the statements unless they are already prepared on this connection.
func (s *statements) prepare(ctx context.Context, conn any) (err error) {
	if s.of == conn {
		return nil
	}
	prepare := func(query string) driver.StmtExecContext {
		if err != nil {
			return nil
		}
		var prepared driver.Stmt
		if prepared, err = conn.(driver.ConnPrepareContext).PrepareContext(ctx, query); err != nil {
			return nil
		}
		return prepared.(driver.StmtExecContext)
	}
	const insert, row = "INSERT INTO fight (id, document) VALUES ", "(?, ?)"
	*s = statements{
		of:     conn,
		begin:  prepare("BEGIN IMMEDIATE"),
		one:    prepare(insert + row),
		many:   prepare(insert + strings.Repeat(row+", ", manyRows-1) + row),
		commit: prepare("COMMIT"),
	}
	return err
}

func (s *statements) close() {
	for _, statement := range []driver.StmtExecContext{s.begin, s.one, s.many, s.commit} {
		if statement != nil {
			_ = statement.(driver.Stmt).Close() // repeats the error of the last execution
		}
	}
	*s = statements{}
}

// Get implements fight.Store.
func (s *Fights) Get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	return read(s.db, func() (f fight.Fight, err error) {
		var document []byte
		err = s.db.Reads.QueryRowContext(ctx, "SELECT document FROM fight WHERE id = ?", id[:]).Scan(&document)
		if errors.Is(err, sql.ErrNoRows) {
			return f, fight.ErrNotFound
		}
		if err != nil {
			return f, err
		}
		return parse(id[:], document, fight.Parse)
	})
}

// Page implements fight.Store.
func (s *Fights) Page(ctx context.Context, before fight.ID, limit int) ([]fight.Fight, error) {
	return list(ctx, s.db, func() (fights []fight.Fight, err error) {
		err = sqltable.Each(ctx, s.db.Reads, func(rows *sql.Rows) error {
			var id, document sql.RawBytes
			if err := rows.Scan(&id, &document); err != nil {
				return err
			}
			f, err := parse(id, document, fight.Parse)
			if err == nil {
				fights = append(fights, f)
			}
			return err
		}, "SELECT id, document FROM fight WHERE id < ? ORDER BY id DESC LIMIT ?", before[:], limit)
		return fights, err
	})
}

var errOddID = errors.New("the id is not 16 bytes long")

// parse reads a row with fight.Parse or fight.ParseOutcome. Any error is a *storage.RowError.
func parse[F any](id, document []byte, with func(fight.ID, []byte) (F, error)) (f F, err error) {
	if len(id) != len(fight.ID{}) {
		return f, &storage.RowError{What: "fight", ID: fmt.Sprintf("%x", id), Err: errOddID}
	}
	if f, err = with(fight.ID(id), document); err != nil {
		return f, &storage.RowError{What: "fight", ID: fight.ID(id).String(), Err: err}
	}
	return f, nil
}

// Count implements fight.Store. Count scans the whole id index.
func (s *Fights) Count(ctx context.Context) (int64, error) {
	return list(ctx, s.db, func() (n int64, err error) {
		err = s.db.Reads.QueryRowContext(ctx, "SELECT count(*) FROM fight").Scan(&n)
		return n, err
	})
}

// Last implements fight.Store. Last scans the id index backwards, skipping ids generated by other programs.
func (s *Fights) Last(ctx context.Context) (fight.ID, error) {
	// In a version 7 UUID, the first 12 hex digits are the time and the 13th is the version; the upper two bits of the
	// ninth byte are the variant.
	const query = `SELECT id FROM fight WHERE id < ? AND typeof(id) = 'blob' AND length(id) = 16
		AND substr(hex(id), 13, 1) = '7' AND substr(hex(id), 17, 1) IN ('8', '9', 'A', 'B') ORDER BY id DESC LIMIT 1`
	return read(s.db, func() (last fight.ID, err error) {
		var id []byte
		beyond := fight.Beyond()
		err = s.db.Reads.QueryRowContext(ctx, query, beyond[:]).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return last, nil
		}
		copy(last[:], id)
		return last, err
	})
}

// Ping implements fight.Store. Ping runs the same queries as requests do. While writes are refused, Ping also attempts
// a write.
func (s *Fights) Ping(ctx context.Context) error {
	if err := s.db.ping(ctx, tableIsReadable); err != nil {
		return err
	}
	return s.db.writable(ctx, insertOfProbe)
}

// insertOfProbe returns a statement that inserts a complete fight, because a trigger or a constraint may accept a
// smaller document but refuse fights.
func insertOfProbe() string {
	now := time.Now()
	id := fight.NewIDs(fight.ID{}).Next(now)
	f := fight.Decide(id, now, character.Heroes().Example, character.Villains().Example, nil)
	return fmt.Sprintf("INSERT INTO fight (id, document) VALUES (x'%x', x'%x')", f.ID[:], f.AppendJSON(nil))
}

// Close implements fight.Store. Close gives a write in progress five seconds to finish.
func (s *Fights) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := s.db.Writes.Conn(ctx)
	if err != nil { // the store is closed already, or a write hangs
		return s.db.Close()
	}
	// Closing the last connection checkpoints the write-ahead log, provided no statement is open.
	err = conn.Raw(func(raw any) error {
		if s.prepared.of == raw { // otherwise the connection has been dropped, and its statements can't be closed
			s.prepared.close()
		}
		return nil
	})
	return errors.Join(err, conn.Close(), s.db.Close())
}

// File returns the underlying database, for callers that store other data alongside the fights. It is closed together
// with the store. Callers must not hold its only write connection for longer than a short transaction, nor release it
// within a transaction.
func (s *Fights) File() *DB { return s.db }
