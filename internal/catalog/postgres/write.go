package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"superheroes/internal/catalog"
)

// statements are those that change one row.
type statements struct{ lock, insert, update, remove string }

func newStatements[T catalog.Item](table catalog.Table[T]) statements {
	names := table.Names()
	places, sets := make([]string, len(names)), make([]string, len(names)-1)
	for i, name := range names {
		places[i] = fmt.Sprintf("$%d", i+1)
		if i > 0 {
			sets[i-1] = name + " = " + places[i]
		}
	}
	return statements{
		lock: fmt.Sprintf("SELECT %s FROM %s WHERE id = $1 FOR UPDATE", table.SelectList(), table.Name),
		insert: fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (id) DO NOTHING",
			table.Name, strings.Join(names, ", "), strings.Join(places, ", ")),
		update: fmt.Sprintf("UPDATE %s SET %s WHERE id = $1", table.Name, strings.Join(sets, ", ")),
		remove: fmt.Sprintf("DELETE FROM %s WHERE id = $1", table.Name),
	}
}

// Write implements catalog.Store.
func (s *Store[T]) Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // does nothing after the commit
	written, err := s.change(ctx, tx, id, change)
	if err = cmp.Or(err, context.Cause(ctx)); err != nil {
		return nil, refusal(err)
	}
	// The driver calls a commit safe to try again, too, that it has sent to a server whose answer got lost.
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
	}
	return written, nil
}

func (s *Store[T]) change(ctx context.Context, tx pgx.Tx, id int64, change func(old *T) (*T, error)) (*T, error) {
	old, err := s.lock(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	item, err := change(old)
	switch {
	case err != nil:
		return nil, err
	case item == nil:
		_, err = tx.Exec(ctx, s.edit.remove, id)
	case old == nil:
		err = s.insert(ctx, tx, item)
	default:
		*s.table.Key(item) = id
		_, err = tx.Exec(ctx, s.edit.update, s.table.Fields(item)...)
	}
	return item, err
}

// lock returns the row with that id, nil for an id of 0.
func (s *Store[T]) lock(ctx context.Context, tx pgx.Tx, id int64) (*T, error) {
	if id == 0 {
		return nil, nil
	}
	item := new(T)
	err := tx.QueryRow(ctx, s.edit.lock, id).Scan(s.table.Fields(item)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, catalog.ErrNotFound
	}
	return item, err
}

// maxDraws is how many ids are drawn for a new row. The second is free, unless others insert ids of their own meanwhile.
const maxDraws = 10

// insert writes a new row with an id from the table's sequence, as the applications of the family do: who draws one has
// it, and the ids below it down to the last that was drawn, for himself. Where the sequence is behind ids that are
// there, from an import with ids for instance, it is set above them.
func (s *Store[T]) insert(ctx context.Context, tx pgx.Tx, item *T) error {
	name, err := s.sequenceName(ctx, tx)
	if err != nil {
		return err
	}
	if name == "" {
		return s.insertHighest(ctx, tx, item)
	}
	id := s.table.Key(item)
	for range maxDraws {
		if err := tx.QueryRow(ctx, "SELECT nextval($1::regclass)", name).Scan(id); err != nil {
			return err
		}
		inserted, err := tx.Exec(ctx, s.edit.insert, s.table.Fields(item)...)
		if err != nil || inserted.RowsAffected() > 0 {
			return err
		}
		raise := fmt.Sprintf("SELECT setval($1::regclass, GREATEST((SELECT max(id) FROM %s), (SELECT last_value FROM %s)))", s.table.Name, name)
		if _, err := tx.Exec(ctx, raise, name); err != nil {
			return err
		}
	}
	return errors.New("every id that was drawn was there already")
}

// insertHighest writes a new row to a table without a sequence. Other writers wait.
func (s *Store[T]) insertHighest(ctx context.Context, tx pgx.Tx, item *T) error {
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
	_, err = tx.Exec(ctx, s.edit.insert, s.table.Fields(item)...)
	return err
}

// Codes and classes of errors: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	errUniqueViolation   = "23505"
	errSequenceExhausted = "2200H"
	classData            = "22"
	classConstraint      = "23"
)

// refusal tells what is wrong with the row from what is wrong with the store.
func refusal(err error) error {
	var server *pgconn.PgError
	switch {
	case !errors.As(err, &server):
		return err
	case server.Code == errUniqueViolation:
		return catalog.ErrTaken
	case server.Code == errSequenceExhausted:
		return catalog.ErrNoID
	case strings.HasPrefix(server.Code, classData), strings.HasPrefix(server.Code, classConstraint):
		return fmt.Errorf("%w: a value does not fit its column", catalog.ErrRefused)
	}
	return err
}
