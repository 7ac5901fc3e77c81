package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

// Error codes and classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	errStatementUnknown  = "26000" // a prepared statement does not exist
	errStatementExists   = "42P05"
	errStalePlan         = "0A000" // feature not supported; also reported for a plan older than an ALTER TABLE
	errDatabaseUnknown   = "3D000"
	errCompletionUnknown = "40003"
	errReadOnly          = "25006"
	errUniqueViolation   = "23505"
	errNotNullViolation  = "23502"
	errSequenceExhausted = "2200H"
	errPermission        = "42501"
	errDiskFull          = "53100"
	errLockNotAvailable  = "55P03"
	errObjectInUse       = "55006"
	errDataCorrupted     = "XX001"
	errIndexCorrupted    = "XX002"
	errDatabaseDropped   = "57P04"
	errCanceled          = "57014"
	classConnection      = "08"
	classUnsupported     = "0A"
	classData            = "22"
	classConstraint      = "23"
	classAuthorization   = "28"
	classSchemaName      = "3F"
	classRollback        = "40"
	classSyntaxOrAccess  = "42"
	classResources       = "53"
	classIntervention    = "57"
	classSystem          = "58"
)

// parameterRefused is PgBouncer's message for a parameter it doesn't know.
const parameterRefused = "unsupported startup parameter"

// poolerRemedy tells the operator what a pooler in transaction mode needs.
const poolerRemedy = "a pooler such as PgBouncer in transaction mode forgets prepared statements: " +
	"add default_query_exec_mode=cache_describe to the parameters of the store URL"

// trouble classifies an error of the driver (package storage). An error that isn't about the store, such as
// catalog.ErrNotFound or the end of the caller's context, is returned unchanged.
func trouble(err error) error {
	var server *pgconn.PgError
	switch {
	case errors.As(err, &server):
		detail, kind := serverTrouble(server)
		switch {
		case kind == nil && isConnection(err): // whatever the reason, there is no connection
			return storage.As(storage.ErrUnavailable, err)
		case kind == nil:
			return err
		}
		return storage.As(kind, err, detail...)
	case isConnection(err):
		return storage.As(storage.ErrUnavailable, err)
	}
	return err
}

// serverTrouble returns the operator's message for an error reported by the server, and its kind: nil if it says
// nothing about the store.
func serverTrouble(err *pgconn.PgError) (detail []any, kind error) {
	switch err.Code {
	case errStatementUnknown, errStatementExists:
		return []any{poolerRemedy}, storage.ErrSchema
	case errPermission:
		return []any{"a permission is missing"}, storage.ErrSchema
	case errNotNullViolation:
		return []any{fmt.Sprintf("column %s of table %s is NOT NULL, but the service does not know it", err.ColumnName, err.TableName)}, storage.ErrSchema
	case errReadOnly:
		return []any{"the server is read-only"}, storage.ErrFull
	case errDiskFull:
		return []any{"the server's disk is full"}, storage.ErrFull
	case errDatabaseUnknown, errDatabaseDropped: // it may be about to be created
		return []any{"the database does not exist"}, storage.ErrUnavailable
	case errLockNotAvailable, errObjectInUse:
		return nil, storage.ErrBusy
	case errDataCorrupted, errIndexCorrupted:
		return []any{"the server reports damaged data: repair it, or restore a backup"}, storage.ErrDamaged
	}
	return classTrouble(err)
}

// classTrouble is serverTrouble for codes that mean the same as their class.
func classTrouble(err *pgconn.PgError) (detail []any, kind error) {
	switch err.Code[:min(2, len(err.Code))] {
	case classConnection:
		if strings.Contains(err.Message, parameterRefused) {
			return []any{"the pooler refuses a parameter of the store URL: leave it out, or name it in ignore_startup_parameters"}, storage.ErrSchema
		}
		return nil, storage.ErrUnavailable
	case classAuthorization:
		return []any{"the server refuses the user or the password"}, storage.ErrSchema
	case classRollback: // a deadlock or a conflict with another transaction
		return nil, storage.ErrBusy
	case classSyntaxOrAccess, classSchemaName, classUnsupported:
		return nil, storage.ErrSchema
	case classResources, classIntervention:
		return nil, storage.ErrUnavailable
	case classSystem:
		return []any{"the server can't read or write its files: check its log and its disk"}, storage.ErrDamaged
	}
	return nil, nil
}

// isConnection reports whether an error concerns the connection or opening it.
func isConnection(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.Is(err, pgconn.ErrConnClosed):
		return true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // which also implements net.Error
		return false
	}
	return errors.As(err, &network)
}

// isStale reports whether a statement was refused because its plan is older than an ALTER TABLE. The driver makes a new
// plan next time.
func isStale(err error) bool { return hasCode(err, errStalePlan) }

// isCanceled reports whether the server canceled the statement. The cancellation may have been meant for another one:
// it is sent to the session, and if it arrives late it hits the next statement.
func isCanceled(err error) bool { return hasCode(err, errCanceled) }

// isTimeLimit reports whether the server canceled the statement because of its own statement_timeout. Only the message
// says so, in English.
func isTimeLimit(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && strings.Contains(server.Message, "statement timeout")
}

// hasCode reports whether the server reported an error with the code.
func hasCode(err error, code string) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == code
}

// isUncertain reports whether a commit that failed with this error may have succeeded. An error reported by the server
// has rolled back the transaction, unless the session ended with it.
func isUncertain(err error) bool {
	var server *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return false
	case !errors.As(err, &server):
		return true
	}
	return server.Code == errCompletionUnknown || server.SeverityUnlocalized != "ERROR"
}

// refusal distinguishes errors of the row from errors of the store.
func refusal(err error) error {
	var server *pgconn.PgError
	switch {
	case !errors.As(err, &server), server.Code == errNotNullViolation:
		return trouble(err)
	case server.Code == errUniqueViolation:
		return catalog.ErrTaken
	case server.Code == errSequenceExhausted:
		return catalog.ErrNoID
	case strings.HasPrefix(server.Code, classData), strings.HasPrefix(server.Code, classConstraint):
		return fmt.Errorf("%w: a value does not fit its column", catalog.ErrRefused)
	}
	return trouble(err)
}
