// Package mariadb stores a catalog in MariaDB or MySQL. It fulfils the contract of catalog.Store, and maps the server's
// errors to the error kinds in package storage. The package depends on neither HTTP nor the other engines.
package mariadb

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/singleflight"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/sqltable"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Config holds the address of the database and the size of the connection pool.
type Config struct {
	Driver           *mysql.Config // address, user, password, database, TLS
	PoolMin, PoolMax int
	Schema           string // creates the table
	// Deadline is the maximum duration of a request. A read ends within the deadline even if its client would wait
	// longer, and a wait for a lock ends before the deadline. A Deadline of 0, for programs that may wait, means no
	// limit.
	Deadline time.Duration
}

// Catalog is a catalog.Store backed by a MariaDB or MySQL table.
type Catalog[T catalog.Item] struct {
	sqltable.Reader[T]
	db       *sql.DB
	version  *sql.Stmt // the prepared query readVersion; nil if the table has no triggers that count its changes
	givesIDs bool      // whether the table's id is AUTO_INCREMENT
	lockWait int       // how long a statement waits for a lock, in seconds
	poolMax  int
	reads    bounded.Reads // reserves one connection for everything except client reads
	pings    singleflight.Group
}

var _ catalog.Store[catalog.Item] = (*Catalog[catalog.Item])(nil)

// Open connects to the database, and creates and seeds the table if it is missing. It doesn't retry.
func Open[T catalog.Item](ctx context.Context, table catalog.Table[T], cfg Config, seed catalog.Feed[T]) (*Catalog[T], error) {
	// A wait for a lock must end before the request's deadline, so that the connection survives and the error names the
	// cause.
	lockWait := defaultLockWait
	if cfg.Deadline > 0 {
		lockWait = max(1, int(cfg.Deadline/time.Second)-1)
	}
	connector, err := mysql.NewConnector(driverConfig(cfg.Driver, lockWait))
	if err != nil {
		return nil, fmt.Errorf("opening the pool: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(cfg.PoolMax)
	db.SetMaxIdleConns(cfg.PoolMax) // keep all connections open
	s := &Catalog[T]{
		Reader: sqltable.Reader[T]{Table: table}, db: db, lockWait: lockWait, poolMax: cfg.PoolMax,
		reads: bounded.NewReads(cfg.PoolMax-1, cfg.Deadline),
	}
	err = warm(ctx, db, cfg.PoolMin)
	if err == nil {
		err = s.open(ctx, cfg.Schema, seed)
	}
	if err != nil {
		return nil, errors.Join(classify(err, table.Name), db.Close())
	}
	return s, nil
}

// Measure adds the metrics of the connection pool.
func (s *Catalog[T]) Measure(m *telemetry.Metrics) { sqltable.Measure(m, s.Table.Name, s.db) }

// defaultLockWait is InnoDB's default lock wait timeout in seconds.
const defaultLockWait = 50

// driverConfig returns a copy of the driver's configuration with the settings that this package relies on.
func driverConfig(address *mysql.Config, lockWait int) *mysql.Config {
	config := address.Clone()
	config.DialFunc = dial
	config.ClientFoundRows = true      // makes the server count a row that an UPDATE leaves unchanged
	config.Logger = &mysql.NopLogger{} // callers report the driver's errors; its own log lines have a different format
	config.Params = map[string]string{
		"sql_mode": "'STRICT_ALL_TABLES'",
		// Without these limits, the server keeps waiting for a table or row lock after the client has given up, for up
		// to a day.
		"lock_wait_timeout": strconv.Itoa(lockWait), "innodb_lock_wait_timeout": strconv.Itoa(lockWait),
	}
	return config
}

// warm opens the pool's minimum number of connections.
func warm(ctx context.Context, db *sql.DB, least int) error {
	for range least {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // returns the connection to the pool once all are open
	}
	return nil
}

func (s *Catalog[T]) open(ctx context.Context, schema string, seed catalog.Feed[T]) error {
	if err := s.prepare(ctx, schema, seed); err != nil {
		return err
	}
	var err error
	if s.givesIDs, err = s.checkShape(ctx); err != nil {
		return err
	}
	var versioned bool
	err = s.db.QueryRowContext(ctx, triggersExist, s.Table.Name, s.raiseVersion()).Scan(&versioned)
	if err == nil && versioned {
		s.version, err = s.db.PrepareContext(ctx, fmt.Sprintf(readVersion, s.Table.Name, s.versionTable()))
	}
	if err != nil {
		return err
	}
	if err := s.check(ctx); err != nil { // preparing a statement neither waits for locks nor opens files
		return err
	}
	s.Reader, err = sqltable.NewReader(ctx, s.db, s.Table)
	return err
}

const (
	tableExists = "SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	// An existing version table doesn't prove that the catalog table has triggers: the version table may be left over
	// from an earlier catalog table.
	triggersExist = `SELECT count(*) = 3 FROM information_schema.triggers
		WHERE event_object_schema = DATABASE() AND event_object_table = ? AND action_statement = ?`
)

// prepare creates and seeds the table under a lock that makes other starting processes wait. Since MySQL commits each
// CREATE immediately, the table is created under a draft name, and renamed when it is complete.
func (s *Catalog[T]) prepare(ctx context.Context, schema string, seed catalog.Feed[T]) error {
	var exists bool
	if err := s.db.QueryRowContext(ctx, tableExists, s.Table.Name).Scan(&exists); err != nil || exists {
		return err
	}
	return s.locked(ctx, "superheroes."+s.Table.Name, createWait, func(conn *sql.Conn) error {
		if err := conn.QueryRowContext(ctx, tableExists, s.Table.Name).Scan(&exists); err != nil || exists {
			return err
		}
		return s.create(ctx, conn, schema, seed)
	})
}

// createWait is how long a starting process waits for another one to create the table, in seconds.
const createWait = 30

// locked runs do on a connection that holds a named server lock, which only one connection can hold at a time.
func (s *Catalog[T]) locked(ctx context.Context, lock string, wait int, do func(conn *sql.Conn) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var locked bool
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(GET_LOCK(?, ?), 0)", lock, wait).Scan(&locked); err != nil {
		return fmt.Errorf("taking the lock %s: %w", lock, err)
	}
	if !locked {
		return storage.Errorf(storage.ErrBusy, "another process holds the lock %s", lock)
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", lock)
		if !errors.Is(unlockErr, driver.ErrBadConn) { // a broken connection has released its locks
			err = errors.Join(err, unlockErr)
		}
	}()
	return do(conn)
}

func (s *Catalog[T]) create(ctx context.Context, conn *sql.Conn, schema string, seed catalog.Feed[T]) error {
	draft := s.Table.Name + "_draft" // may be left over from an interrupted start
	for _, statement := range []string{"DROP TABLE IF EXISTS " + draft, strings.ReplaceAll(schema, "{table}", draft)} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("creating table %s: %w", s.Table.Name, err)
		}
	}
	err := sqltable.InTx(ctx, conn, nil, func(tx *sql.Tx) error { return s.write(ctx, tx, draft, seed) })
	if err != nil {
		return fmt.Errorf("seeding table %s: %w", s.Table.Name, err)
	}
	if err := s.createVersion(ctx, conn, draft); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "RENAME TABLE "+draft+" TO "+s.Table.Name)
	return err
}

func (s *Catalog[T]) versionTable() string { return s.Table.Name + "_version" }

// raiseVersion returns the statement that the triggers run to increment the version.
func (s *Catalog[T]) raiseVersion() string {
	return "UPDATE " + s.versionTable() + " SET version = version + 1"
}

// createVersion creates a version counter, and triggers that increment the counter within the transaction of every
// change. If the server doesn't allow triggers (MySQL with a binary log but without the privilege), there is no
// counter, and the ids are read every time.
func (s *Catalog[T]) createVersion(ctx context.Context, conn *sql.Conn, table string) error {
	version := s.versionTable()
	statements := []string{
		"DROP TABLE IF EXISTS " + version,
		"CREATE TABLE " + version + " (version bigint NOT NULL) ENGINE = InnoDB",
		"INSERT INTO " + version + " VALUES (1)",
	}
	for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
		statements = append(statements, fmt.Sprintf("CREATE TRIGGER %s_%s AFTER %s ON %s FOR EACH ROW %s",
			s.Table.Name, strings.ToLower(event), event, table, s.raiseVersion()))
	}
	for _, statement := range statements {
		_, err := conn.ExecContext(ctx, statement)
		if isError(err, errTableAccessDenied, errNoBinlogPrivilege) {
			_, err = conn.ExecContext(ctx, "DROP TABLE "+version)
			return err
		}
		if err != nil {
			return fmt.Errorf("creating the version counter of table %s: %w", s.Table.Name, err)
		}
	}
	return nil
}

// Import implements catalog.Store.
func (s *Catalog[T]) Import(ctx context.Context, replace bool, feed catalog.Feed[T]) error {
	err := s.onConn(ctx, !s.givesIDs, func(conn beginner) error {
		return sqltable.InTx(ctx, conn, nil, func(tx *sql.Tx) error {
			if replace {
				if _, err := tx.ExecContext(ctx, "DELETE FROM "+s.Table.Name); err != nil {
					return err
				}
			}
			return s.write(ctx, tx, s.Table.Name, feed)
		})
	})
	return s.failed(err)
}

type beginner interface {
	BeginTx(ctx context.Context, options *sql.TxOptions) (*sql.Tx, error)
}

// onConn runs do on the connection pool or, if ids is true, on a connection that holds the lock for assigning ids.
func (s *Catalog[T]) onConn(ctx context.Context, ids bool, do func(beginner) error) error {
	if !ids {
		return do(s.db)
	}
	return s.locked(ctx, "superheroes."+s.Table.Name+".id", s.lockWait, func(conn *sql.Conn) error { return do(conn) })
}

// write writes the items from feed. An item with an existing id overwrites the row with that id. write doesn't use
// MySQL's upsert, which would also overwrite a different row that has the same name.
func (s *Catalog[T]) write(ctx context.Context, tx *sql.Tx, table string, feed catalog.Feed[T]) error {
	names := s.Table.Columns
	insert, err := tx.PrepareContext(ctx, sqltable.Insertion(table, names))
	if err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, sqltable.Updating(table, names))
	if err != nil {
		return err
	}
	defer func() { _, _ = insert.Close(), update.Close() }() // the statements are closed anyway when the transaction ends
	return feed(func(item T) error {
		fields := s.Table.Fields(&item)
		if item.Key() == 0 {
			if fields[0], err = s.nextID(ctx, tx, table); err != nil {
				return err
			}
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

// nextID returns the id for a new row: nil if the server generates ids, otherwise the highest id plus one.
func (s *Catalog[T]) nextID(ctx context.Context, tx *sql.Tx, table string) (any, error) {
	if s.givesIDs || table != s.Table.Name {
		return nil, nil
	}
	sequence := catalog.Sequence{Step: s.Table.Step}
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM "+table).Scan(&sequence.Highest); err != nil {
		return nil, err
	}
	return sequence.Give(0)
}

// Write implements catalog.Store.
func (s *Catalog[T]) Write(ctx context.Context, id int64, change catalog.ChangeFunc[T]) (written *T, err error) {
	err = s.onConn(ctx, id == 0 && !s.givesIDs, func(conn beginner) error {
		written, err = s.writeOn(ctx, conn, id, change)
		return err
	})
	if err != nil {
		return nil, s.failed(err)
	}
	return written, nil
}

func (s *Catalog[T]) writeOn(ctx context.Context, conn beginner, id int64, change catalog.ChangeFunc[T]) (*T, error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // has no effect after the commit
	insert := func(ctx context.Context, item *T) error { return s.insert(ctx, tx, item) }
	edit := sqltable.Edit[T]{Table: s.Table, Tx: tx, Lock: " FOR UPDATE", Insert: insert, Refusal: refusal}
	written, err := edit.Run(ctx, id, change)
	if err = cmp.Or(err, context.Cause(ctx)); err != nil {
		return nil, err
	}
	// Unlike tx.Commit, which waits until the server responds, a COMMIT statement is abandoned when ctx ends.
	if _, err := tx.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, commitError(err)
	}
	return written, nil
}

// commitError returns catalog.ErrMaybeWritten for a failed commit, unless the error proves that the change wasn't
// stored.
func commitError(err error) error {
	if kind := classify(err, ""); errors.Is(kind, storage.ErrBusy) || errors.Is(kind, storage.ErrFull) {
		return err
	}
	return fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, err)
}

// insert inserts a new item with the next free id.
func (s *Catalog[T]) insert(ctx context.Context, tx *sql.Tx, item *T) error {
	fields := s.Table.Fields(item)
	next, err := s.nextID(ctx, tx, s.Table.Name)
	if err != nil {
		return err
	}
	fields[0] = next
	inserted, err := tx.ExecContext(ctx, sqltable.Insertion(s.Table.Name, s.Table.Columns), fields...)
	if err != nil {
		return err
	}
	id, given := next.(int64)
	if !given {
		id, err = inserted.LastInsertId()
	}
	*s.Table.Key(item) = id
	return err
}

// readVersion is the query that reads the version counter. It also checks whether the table has any rows,
// because TRUNCATE doesn't fire the triggers, and whether the triggers still exist, because another application may have
// recreated the table.
const readVersion = "SELECT version, EXISTS (SELECT 1 FROM %s), (" + triggersExist + ") FROM %s"

// IDs implements catalog.Store. If the version has changed, IDs reads the version and the ids from one snapshot.
func (s *Catalog[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	if s.version == nil {
		found, err := sqltable.IDs(ctx, s.db, s.Table.Name)
		return found, "", s.failed(err)
	}
	if known != "" {
		version, err := s.readVersion(ctx, s.version)
		if err != nil || version == known {
			return nil, version, s.failed(err)
		}
	}
	var found []int64
	var version catalog.Version
	options := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	err := sqltable.InTx(ctx, s.db, options, func(tx *sql.Tx) (err error) {
		if version, err = s.readVersion(ctx, tx.StmtContext(ctx, s.version)); err != nil {
			return err
		}
		found, err = sqltable.IDs(ctx, tx, s.Table.Name)
		return err
	})
	return found, version, s.failed(err)
}

// readVersion runs the prepared query readVersion. The version is empty if the triggers are missing.
func (s *Catalog[T]) readVersion(ctx context.Context, query *sql.Stmt) (catalog.Version, error) {
	var number, rows int64
	var counted bool
	err := query.QueryRowContext(ctx, s.Table.Name, s.raiseVersion()).Scan(&number, &rows, &counted)
	if err != nil || !counted {
		return "", err
	}
	return catalog.Version(fmt.Sprintf("%d.%d", number, rows)), nil
}

// failed classifies an error. A connection keeps the permissions that its user had when the connection was opened. So
// after an error caused by a missing permission, the idle connections are closed: new connections will have the
// permission once it is granted.
func (s *Catalog[T]) failed(err error) error {
	if isError(err, errDatabaseAccessDenied, errTableAccessDenied, errColumnAccessDenied) {
		s.db.SetMaxIdleConns(-1)
		s.db.SetMaxIdleConns(s.poolMax)
	}
	return classify(err, s.Table.Name)
}

// Close implements catalog.Store.
func (s *Catalog[T]) Close() error {
	s.reads.Close()
	return s.db.Close()
}
