package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"superheroes/internal/catalog"
)

// statements holds the SQL statements that read and change rows. Parameters have explicit types, so that the same
// statements are valid even if a column has a different type, such as a 32-bit id.
type statements struct{ get, many, page, ids, lock, insert, upsert, update, remove string }

func newStatements[T catalog.Item](table catalog.Table[T]) statements {
	var item T
	names := table.Columns
	places, sets, excluded := make([]string, len(names)), make([]string, len(names)-1), make([]string, len(names)-1)
	for i, field := range table.Fields(&item) {
		places[i] = fmt.Sprintf("$%d::%s", i+1, sqlType(field))
		if i > 0 {
			sets[i-1] = names[i] + " = " + places[i]
			excluded[i-1] = names[i] + " = EXCLUDED." + names[i]
		}
	}
	read := "SELECT " + table.SelectList() + " FROM " + table.Name
	// A GENERATED ALWAYS identity column accepts explicit ids only with OVERRIDING.
	insert := fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s) ON CONFLICT (id) DO ",
		table.Name, strings.Join(names, ", "), strings.Join(places, ", "))
	return statements{
		get:    read + " WHERE id = $1::int8",
		many:   read + " WHERE id = ANY ($1::int8[])",
		page:   read + " WHERE id > $1::int8 ORDER BY id LIMIT $2::int8",
		ids:    "SELECT id FROM " + table.Name + " WHERE id > 0 ORDER BY id",
		lock:   read + " WHERE id = $1::int8 FOR UPDATE",
		insert: insert + "NOTHING",
		upsert: insert + "UPDATE SET " + strings.Join(excluded, ", "),
		update: fmt.Sprintf("UPDATE %s SET %s WHERE id = %s", table.Name, strings.Join(sets, ", "), places[0]),
		remove: fmt.Sprintf("DELETE FROM %s WHERE id = $1::int8", table.Name),
	}
}

// sqlType returns the SQL type of a field's parameter.
func sqlType(field any) string {
	switch field.(type) {
	case *int64:
		return "int8"
	case *int32:
		return "int4"
	}
	return "text"
}

// Write implements catalog.Store.
func (s *Catalog[T]) Write(ctx context.Context, id int64, change catalog.ChangeFunc[T]) (written *T, err error) {
	called := false
	once := func(old *T) (*T, error) {
		called = true
		return change(old)
	}
	err = s.with(ctx, func() bool { return !called }, func(conn *pgxpool.Conn) error {
		written, err = s.writeOn(ctx, conn, id, once)
		return err
	})
	return written, err
}

func (s *Catalog[T]) writeOn(ctx context.Context, conn *pgxpool.Conn, id int64, change catalog.ChangeFunc[T]) (*T, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	written, err := s.change(ctx, tx, id, change)
	if err = cmp.Or(err, context.Cause(ctx)); err != nil {
		rollback(ctx, tx)
		return nil, refusal(err)
	}
	// Don't rely on the driver, which considers a commit safe to retry even if it was sent and only the response was
	// lost.
	switch err := tx.Commit(ctx); {
	case err == nil:
		return written, nil
	case isUncertain(err):
		return nil, fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, trouble(err))
	default:
		return nil, refusal(err)
	}
}

// rollbackTimeout limits the rollback of a transaction whose caller gave up; the rollback makes the connection usable
// again.
const rollbackTimeout = time.Second

func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx) // if the rollback fails, the connection is closed
}

func (s *Catalog[T]) change(ctx context.Context, tx pgx.Tx, id int64, change catalog.ChangeFunc[T]) (*T, error) {
	old, err := s.lock(ctx, tx, id)
	item, err := catalog.Change(old, err, change)
	switch {
	case err != nil:
		return nil, err
	case item == nil:
		err = s.changeRow(ctx, tx, s.sql.remove, id)
	case id == 0:
		err = s.insert(ctx, tx, item)
	default:
		*s.table.Key(item) = id
		err = s.changeRow(ctx, tx, s.sql.update, s.table.Fields(item)...)
	}
	return item, err
}

// changeRow runs a statement that must change exactly one row.
func (s *Catalog[T]) changeRow(ctx context.Context, tx pgx.Tx, statement string, args ...any) error {
	done, err := tx.Exec(ctx, statement, args...)
	if err != nil {
		return err
	}
	return catalog.CheckChanged(s.table, done.RowsAffected())
}

// lock locks and returns the row with the given id, or returns nil if the id is 0.
func (s *Catalog[T]) lock(ctx context.Context, tx pgx.Tx, id int64) (*T, error) {
	if id == 0 {
		return nil, nil
	}
	item, err := catalog.ScanForUpdate(s.table, s.scan(tx.QueryRow(ctx, s.sql.lock, id)))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, catalog.ErrNotFound
	}
	return &item, err
}

// maxIDAttempts is how many ids to try for a new row. The second attempt succeeds, unless other clients insert explicit
// ids at the same time.
const maxIDAttempts = 10

// insert inserts a new row with an id from the table's sequence. As in the Quarkus application, a client that takes a
// value from the sequence owns that id and the ids between it and the previous value. If the sequence lags behind
// existing ids, for instance after an import with ids, it is raised above them.
func (s *Catalog[T]) insert(ctx context.Context, tx pgx.Tx, item *T) error {
	name, err := s.sequenceName(ctx, tx)
	if err != nil {
		return err
	}
	if name == "" {
		return s.insertHighest(ctx, tx, item)
	}
	id := s.table.Key(item)
	for range maxIDAttempts {
		if err := tx.QueryRow(ctx, "SELECT nextval($1::regclass)", name).Scan(id); err != nil {
			return err
		}
		inserted, err := tx.Exec(ctx, s.sql.insert, s.table.Fields(item)...)
		if err != nil || inserted.RowsAffected() > 0 {
			return err
		}
		var taken bool
		exists := fmt.Sprintf("SELECT EXISTS (SELECT FROM %s WHERE id = $1::int8)", s.table.Name)
		if err := tx.QueryRow(ctx, exists, *id).Scan(&taken); err != nil {
			return err
		}
		if !taken {
			return catalog.CheckChanged(s.table, 0)
		}
		raise := fmt.Sprintf("SELECT setval($1::regclass, GREATEST((SELECT max(id) FROM %s), (SELECT last_value FROM %s)))",
			s.table.Name, name)
		if _, err := tx.Exec(ctx, raise, name); err != nil {
			return err
		}
	}
	return errors.New("every id from the sequence was already in use")
}

// insertHighest inserts a new row into a table without a sequence. Other writers wait until the insert ends.
func (s *Catalog[T]) insertHighest(ctx context.Context, tx pgx.Tx, item *T) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE "+s.table.Name+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return err
	}
	sequence, _, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	if *s.table.Key(item), err = sequence.Give(0); err != nil {
		return err
	}
	return s.changeRow(ctx, tx, s.sql.insert, s.table.Fields(item)...)
}
