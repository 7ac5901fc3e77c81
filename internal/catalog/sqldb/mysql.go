package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"superheroes/internal/catalog"
)

// MySQLConfig says where the database is and how many connections it gets.
type MySQLConfig struct {
	Driver           *mysql.Config // address, user, password, database
	PoolMin, PoolMax int
	Schema           string // creates the table
}

// MySQL is a catalog.Store in MariaDB or MySQL.
type MySQL[T catalog.Item] struct {
	reader[T]
	db        *sql.DB
	versioned bool // the table is ours, with triggers that count its changes
}

var _ catalog.Store[catalog.Item] = (*MySQL[catalog.Item])(nil)

// OpenMySQL connects, and creates and fills the table when it is missing. It tries once.
func OpenMySQL[T catalog.Item](ctx context.Context, table catalog.Table[T], cfg MySQLConfig, seed func(put func(T) error) error) (*MySQL[T], error) {
	connector, err := mysql.NewConnector(cfg.Driver)
	if err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(cfg.PoolMax)
	db.SetMaxIdleConns(cfg.PoolMax) // what was opened is kept
	s := &MySQL[T]{db: db}
	s.table = table
	err = warm(ctx, db, cfg.PoolMin)
	if err == nil {
		err = s.open(ctx, cfg.Schema, seed)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// warm opens the pool's least number of connections.
func warm(ctx context.Context, db *sql.DB, least int) error {
	for range least {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // back to the pool, when all are open
	}
	return nil
}

func (s *MySQL[T]) open(ctx context.Context, schema string, seed func(put func(T) error) error) error {
	if err := s.prepare(ctx, schema, seed); err != nil {
		return err
	}
	err := s.db.QueryRowContext(ctx, triggersExist, s.table.Name, s.raiseVersion()).Scan(&s.versioned)
	if err != nil {
		return err
	}
	s.reader, err = newReader(ctx, s.db, s.table)
	return err
}

const (
	tableExists = "SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	// A version table may be left over from a table that was replaced by one without triggers.
	triggersExist = `SELECT count(*) = 3 FROM information_schema.triggers
		WHERE event_object_schema = DATABASE() AND event_object_table = ? AND action_statement = ?`
)

// prepare creates the table and fills it, under a lock that other starting processes wait for. MySQL commits each
// CREATE at once, so the table gets its name only when it is whole: whoever sees it sees all of it.
func (s *MySQL[T]) prepare(ctx context.Context, schema string, seed func(put func(T) error) error) (err error) {
	var exists, locked bool
	if err := s.db.QueryRowContext(ctx, tableExists, s.table.Name).Scan(&exists); err != nil || exists {
		return err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	lock := "superheroes." + s.table.Name
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(GET_LOCK(?, 30), 0)", lock).Scan(&locked); err != nil {
		return fmt.Errorf("taking the lock to create tables: %w", err)
	}
	if !locked {
		return errors.New("another process holds the lock to create tables")
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", lock)
		err = errors.Join(err, unlockErr)
	}()
	if err := conn.QueryRowContext(ctx, tableExists, s.table.Name).Scan(&exists); err != nil || exists {
		return err
	}
	return s.create(ctx, conn, schema, seed)
}

func (s *MySQL[T]) create(ctx context.Context, conn *sql.Conn, schema string, seed func(put func(T) error) error) error {
	draft := s.table.Name + "_draft" // what a start that was cut off left behind
	for _, statement := range []string{"DROP TABLE IF EXISTS " + draft, strings.ReplaceAll(schema, "{table}", draft)} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("creating table %s: %w", s.table.Name, err)
		}
	}
	err := inTx(ctx, conn, nil, func(tx *sql.Tx) error { return s.write(ctx, tx, draft, seed) })
	if err != nil {
		return fmt.Errorf("filling table %s: %w", s.table.Name, err)
	}
	if err := s.createVersion(ctx, conn, draft); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "RENAME TABLE "+draft+" TO "+s.table.Name)
	return err
}

func (s *MySQL[T]) versionTable() string { return s.table.Name + "_version" }

// raiseVersion is what each trigger does.
func (s *MySQL[T]) raiseVersion() string {
	return "UPDATE " + s.versionTable() + " SET version = version + 1"
}

// createVersion adds a counter that triggers raise with every change, in the same transaction. Where the server
// doesn't let us make triggers (MySQL with a binary log and no privilege) there is none, and the ids are read anew
// each time they are asked for.
func (s *MySQL[T]) createVersion(ctx context.Context, conn *sql.Conn, table string) error {
	version := s.versionTable()
	statements := []string{
		"DROP TABLE IF EXISTS " + version,
		"CREATE TABLE " + version + " (version bigint NOT NULL) ENGINE = InnoDB",
		"INSERT INTO " + version + " VALUES (1)",
	}
	for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
		statements = append(statements, fmt.Sprintf("CREATE TRIGGER %s_%s AFTER %s ON %s FOR EACH ROW %s",
			s.table.Name, strings.ToLower(event), event, table, s.raiseVersion()))
	}
	for _, statement := range statements {
		_, err := conn.ExecContext(ctx, statement)
		if isError(err, errNoTriggerPrivilege, errNoBinlogPrivilege) {
			_, err = conn.ExecContext(ctx, "DROP TABLE "+version)
			return err
		}
		if err != nil {
			return fmt.Errorf("creating the version of table %s: %w", s.table.Name, err)
		}
	}
	return nil
}

// Import implements catalog.Store.
func (s *MySQL[T]) Import(ctx context.Context, replace bool, feed func(put func(T) error) error) error {
	return inTx(ctx, s.db, nil, func(tx *sql.Tx) error {
		if replace {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+s.table.Name); err != nil {
				return err
			}
		}
		return s.write(ctx, tx, s.table.Name, feed)
	})
}

// write puts what feed gives. A row with an id overwrites the one that has it; it is not an upsert, because MySQL's
// would also overwrite another row with the same name.
func (s *MySQL[T]) write(ctx context.Context, tx *sql.Tx, table string, feed func(put func(T) error) error) error {
	names := s.table.Names()
	insert, err := tx.PrepareContext(ctx, insertion(table, names))
	if err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, updating(table, names))
	if err != nil {
		return err
	}
	defer func() { _, _ = insert.Close(), update.Close() }() // the transaction's end closes them anyway
	return feed(func(item T) error {
		fields := s.table.Fields(&item)
		if item.Key() == 0 {
			fields[0] = nil // the server gives the next id
		} else {
			updated, err := update.ExecContext(ctx, append(fields[1:len(fields):len(fields)], fields[0])...)
			if err != nil {
				return refusal(err)
			}
			if n, err := updated.RowsAffected(); err != nil || n > 0 {
				return err
			}
		}
		_, err := insert.ExecContext(ctx, fields...)
		return refusal(err)
	})
}

// Write implements catalog.Store.
func (s *MySQL[T]) Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // undoes what was not committed
	written, err := edit[T]{table: s.table, tx: tx, lock: " FOR UPDATE", insert: s.insert, refusal: refusal}.run(ctx, id, change)
	if err = cmp.Or(err, context.Cause(ctx)); err != nil {
		return nil, err
	}
	// As a statement it ends with ctx; tx.Commit would wait for as long as the server is silent.
	if _, err := tx.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
	}
	return written, nil
}

// insert writes a new item, to which the server gives the next id.
func (s *MySQL[T]) insert(ctx context.Context, tx *sql.Tx, item *T) error {
	fields := s.table.Fields(item)
	fields[0] = nil
	inserted, err := tx.ExecContext(ctx, insertion(s.table.Name, s.table.Names()), fields...)
	if err != nil {
		return err
	}
	*s.table.Key(item), err = inserted.LastInsertId()
	return err
}

// readVersion also tells whether there are rows, because TRUNCATE fires no trigger (the inserts that follow it do), and
// whether the triggers are still there: another application may have made the table anew.
const readVersion = "SELECT version, EXISTS (SELECT 1 FROM %s), (" + triggersExist + ") FROM %s"

// IDs implements catalog.Store. Version and ids are read in one snapshot.
func (s *MySQL[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	if !s.versioned {
		found, err := ids(ctx, s.db, s.table.Name)
		return found, "", err
	}
	var found []int64
	var version catalog.Version
	options := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	err := inTx(ctx, s.db, options, func(tx *sql.Tx) error {
		var number, rows int64
		var counted bool
		query := fmt.Sprintf(readVersion, s.table.Name, s.versionTable())
		err := tx.QueryRowContext(ctx, query, s.table.Name, s.raiseVersion()).Scan(&number, &rows, &counted)
		if counted {
			version = catalog.Version(fmt.Sprintf("%d.%d", number, rows))
		}
		if err != nil || counted && version == known {
			return err
		}
		found, err = ids(ctx, tx, s.table.Name)
		return err
	})
	return found, version, err
}

// Ping implements catalog.Store.
func (s *MySQL[T]) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Close implements catalog.Store.
func (s *MySQL[T]) Close() error { return s.db.Close() }

// Error numbers of the server: https://mariadb.com/kb/en/mariadb-error-codes/
const (
	errNoIDLeft           = 167
	errNoIDLeftMySQL      = 1467
	errDuplicateEntry     = 1062
	errTableAccessDenied  = 1142
	errNoBinlogPrivilege  = 1419
	errNoTriggerPrivilege = errTableAccessDenied
	errDataTruncated      = 1265
	errWrongValue         = 1366
	errDataTooLong        = 1406
)

func isError(err error, numbers ...uint16) bool {
	var serverErr *mysql.MySQLError
	if !errors.As(err, &serverErr) {
		return false
	}
	for _, number := range numbers {
		if serverErr.Number == number {
			return true
		}
	}
	return false
}

// refusal tells what is wrong with one row from what is wrong with the store.
func refusal(err error) error {
	switch {
	case isError(err, errDuplicateEntry):
		return catalog.ErrTaken
	case isError(err, errNoIDLeft, errNoIDLeftMySQL):
		return catalog.ErrNoID
	case isError(err, errDataTruncated, errWrongValue, errDataTooLong):
		return fmt.Errorf("%w: a value does not fit its column", catalog.ErrRefused)
	}
	return err
}
