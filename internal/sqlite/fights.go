package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/storage"
)

// Fights is a fight.Store in a SQLite file.
type Fights struct {
	db   *DB
	rows inserter
	// Its Insert implements fight.Store. The fight gets its own transaction or a share of the group's next one. It waits
	// for the transaction to begin as long as its context allows.
	*fight.Committer
}

var _ fight.Store = (*Fights)(nil)

// Option configures a store.
type Option func(*Fights)

// Grouped lets concurrent inserts share one transaction, and so one fsync.
func Grouped(on bool) Option {
	return func(s *Fights) {
		if on {
			s.Committer = fight.NewCommitter(s.write)
		}
	}
}

// OpenFights opens the file and creates the table if it is missing. A file that can't be written is opened read-only.
func OpenFights(ctx context.Context, path, schema string, options ...Option) (*Fights, error) {
	db, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &Fights{db: db, rows: inserter{db: db}}
	if err := s.create(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.Committer = fight.NewSingleCommitter(s.write)
	for _, set := range options {
		set(s)
	}
	return s, nil
}

// create creates the table if it is missing, and checks its columns.
func (s *Fights) create(ctx context.Context, schema string) error {
	_, err := s.db.Writes.ExecContext(ctx, schema)
	if err = s.db.Waited(err); err != nil {
		err = fmt.Errorf("creating table fight: %w", err)
		if !errors.Is(err, storage.ErrFull) {
			return err
		}
		s.db.Wrote(err)
	}
	if unreadable := s.readable(ctx); unreadable != nil {
		return cmp.Or(err, unreadable)
	}
	return nil
}

// write stores a batch in one transaction. Before the transaction begins, it waits for other writes and processes as
// long as ctx allows; after that it can't be interrupted, so that its result is known.
func (s *Fights) write(ctx context.Context, batch []fight.Document) []error {
	errs, err := s.insert(ctx, batch)
	if err != nil {
		errs = failed(errs, len(batch), err)
	}
	s.db.Wrote(refusalOf(errs))
	return errs
}

// refusalOf returns why the table refuses rows, or nil if it accepted any.
func refusalOf(errs []error) (why error) {
	for _, err := range errs {
		if err == nil {
			return nil
		}
		why = err
	}
	return why
}

func (s *Fights) insert(ctx context.Context, batch []fight.Document) (errs []error, err error) {
	conn, err := s.db.Writes.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("waiting for the writer: %w", s.db.Waited(err))
	}
	defer func() { _ = conn.Close() }() // returns it to the pool
	_ = conn.Raw(func(raw any) error {
		if errs, err = s.rows.insert(ctx, raw, batch); err != nil {
			// The transaction ends with its connection, whose cache may differ from the file.
			return driver.ErrBadConn
		}
		return nil
	})
	for i, refused := range errs {
		errs[i] = s.db.Trouble(refused)
	}
	return errs, s.db.Trouble(err)
}

// failed gives err to each document of a batch that was not refused itself.
func failed(errs []error, n int, err error) []error {
	all := slices.Repeat([]error{err}, n)
	for i, refused := range errs {
		if refused != nil {
			all[i] = refused
		}
	}
	return all
}

// Get implements fight.Store.
func (s *Fights) Get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	if err := s.db.Check(); err != nil {
		return fight.Fight{}, err
	}
	var document []byte
	err := s.db.Reads.QueryRowContext(ctx, "SELECT document FROM fight WHERE id = ?", id[:]).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return fight.Fight{}, fight.ErrNotFound
	}
	if err != nil {
		return fight.Fight{}, s.db.Trouble(err)
	}
	return parse(id[:], document)
}

// Page implements fight.Store.
func (s *Fights) Page(ctx context.Context, before fight.ID, limit int) (fights []fight.Fight, err error) {
	if err := s.db.Check(); err != nil {
		return nil, err
	}
	if err := s.db.Lists.Take(ctx); err != nil {
		return nil, err
	}
	defer func() { s.db.Lists.Give(err) }()
	defer func() { err = s.db.Trouble(err) }()
	rows, err := s.db.Reads.QueryContext(ctx, "SELECT id, document FROM fight WHERE id < ? ORDER BY id DESC LIMIT ?", before[:], limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, document sql.RawBytes
		if err := rows.Scan(&id, &document); err != nil {
			return nil, err
		}
		f, err := parse(id, document)
		if err != nil {
			return fights, err
		}
		fights = append(fights, f)
	}
	return fights, rows.Err()
}

// parse parses a row.
func parse(id, document []byte) (fight.Fight, error) {
	if len(id) != len(fight.ID{}) {
		return fight.Fight{}, unreadable(id, errOddID)
	}
	f, err := fight.Parse(fight.ID(id), document)
	if err != nil {
		return f, unreadable(id, err)
	}
	return f, nil
}

// ParseOutcome reads what statistics need from a row. Its error is a *storage.RowError.
func ParseOutcome(id, document []byte) (fight.Outcome, error) {
	if len(id) != len(fight.ID{}) {
		return fight.Outcome{}, unreadable(id, errOddID)
	}
	outcome, err := fight.ParseOutcome(fight.ID(id), document)
	if err != nil {
		return outcome, unreadable(id, err)
	}
	return outcome, nil
}

var errOddID = errors.New("the id is not 16 bytes long")

// unreadable returns the error for a row that can't be parsed.
func unreadable(id []byte, err error) *storage.RowError {
	row := &storage.RowError{What: "fight", ID: fmt.Sprintf("%x", id), Err: err}
	if len(id) == len(fight.ID{}) {
		row.ID = fight.ID(id).String()
	}
	return row
}

// Count implements fight.Store. It scans the whole index of ids.
func (s *Fights) Count(ctx context.Context) (n int64, err error) {
	if err := s.db.Check(); err != nil {
		return 0, err
	}
	if err := s.db.Lists.Take(ctx); err != nil {
		return 0, err
	}
	defer func() { s.db.Lists.Give(err) }()
	err = s.db.Reads.QueryRowContext(ctx, "SELECT count(*) FROM fight").Scan(&n)
	return n, s.db.Trouble(err)
}

// Last implements fight.Store. It scans the index of ids backwards, skipping ids made by others.
func (s *Fights) Last(ctx context.Context) (last fight.ID, err error) {
	if err := s.db.Check(); err != nil {
		return last, err
	}
	// The hex digit after the 12 of the time is the version; the upper two bits of the ninth byte are the variant.
	const ours = "typeof(id) = 'blob' AND length(id) = 16 AND substr(hex(id), 13, 1) = '7' AND substr(hex(id), 17, 1) IN ('8', '9', 'A', 'B')"
	var id []byte
	beyond := fight.Beyond()
	err = s.db.Reads.QueryRowContext(ctx, "SELECT id FROM fight WHERE id < ? AND "+ours+" ORDER BY id DESC LIMIT 1", beyond[:]).Scan(&id)
	if err == nil {
		last = fight.ID(id)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return last, s.db.Trouble(err)
}

// Ping implements fight.Store. It reads like requests do. While writes are refused, it tries one.
func (s *Fights) Ping(ctx context.Context) error {
	if err := s.db.Ping(ctx); err != nil {
		return err
	}
	if err := s.readable(ctx); err != nil {
		return err
	}
	return s.db.Writable(ctx, insertOfProbe)
}

// insertOfProbe returns the statement that inserts a whole fight, because a trigger or a constraint may accept other documents.
func insertOfProbe() string {
	now := time.Now()
	f := fight.Decide(fight.NewIDs(fight.ID{}).Next(now), now, character.Heroes().Example, character.Villains().Example, nil)
	return fmt.Sprintf("INSERT INTO fight (id, document) VALUES (x'%x', x'%x')", f.ID[:], f.AppendJSON(nil))
}

// readable checks that the table exists with its columns.
func (s *Fights) readable(ctx context.Context) error {
	return s.db.Readable(ctx, "SELECT number, id, document FROM fight LIMIT 1")
}

// Close implements fight.Store. A write in progress has five seconds to finish.
func (s *Fights) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := s.db.Writes.Conn(ctx)
	if err != nil { // it is closed already, or hangs
		return s.db.Close()
	}
	// Closing the last connection checkpoints the write-ahead log, provided no statement is open.
	err = conn.Raw(func(raw any) error {
		if s.rows.of == raw { // after another user has had the connection dropped, its statements can't be closed any more
			s.rows.close()
		}
		return nil
	})
	return errors.Join(err, conn.Close(), s.db.Close())
}

// File returns the underlying database, for callers that store other data alongside the fights. It is closed with the
// store. Its only writer must not be held longer than a short transaction, nor returned within one.
func (s *Fights) File() *DB { return s.db }
