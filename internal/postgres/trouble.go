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

// parameterRefused is PgBouncer's message for an unknown parameter.
const parameterRefused = "unsupported startup parameter"

// poolerRemedy tells the operator which parameter a pooler in transaction mode needs.
const poolerRemedy = "a pooler such as PgBouncer in transaction mode forgets prepared statements: " +
	"add default_query_exec_mode=cache_describe to the parameters of the store URL"

// trouble wraps an error from the driver as one of the error kinds in package storage. An error that doesn't concern
// the store, such as catalog.ErrNotFound or the caller's own cancellation, is returned unchanged.
func trouble(err error) error {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		if detail, kind := serverTrouble(server); kind != nil {
			return storage.As(kind, err, detail)
		}
	}
	if isConnection(err) { // no connection could be opened, for whatever reason
		return storage.As(storage.ErrUnavailable, err)
	}
	return err
}

// serverTrouble returns the error kind and a message for the operator, for an error that the server reported. The kind
// is nil if the error doesn't concern the store. The codes are listed at
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
func serverTrouble(err *pgconn.PgError) (detail string, kind error) {
	switch err.Code {
	case "26000", statementExists: // unknown prepared statement
		return poolerRemedy, storage.ErrSchema
	case "42501":
		return "a permission is missing", storage.ErrSchema
	case notNullViolation:
		const unknown = "column %s of table %s is NOT NULL, but the service does not know that column"
		return fmt.Sprintf(unknown, err.ColumnName, err.TableName), storage.ErrSchema
	case "25006":
		return "the server is read-only", storage.ErrFull
	case "53100":
		return "the server's disk is full", storage.ErrFull
	case "3D000", "57P04": // the database is unknown or dropped, but may be about to be created
		return "the database does not exist", storage.ErrUnavailable
	case "55P03", "55006": // lock not available, object in use
		return "", storage.ErrBusy
	case "XX001", "XX002": // corrupted data or index
		return "the server reports damaged data: repair it, or restore a backup", storage.ErrDamaged
	}
	return classTrouble(err)
}

// classTrouble is like serverTrouble, for error codes that are classified only by their class.
func classTrouble(err *pgconn.PgError) (detail string, kind error) {
	switch err.Code[:min(2, len(err.Code))] {
	case "08": // the connection
		if strings.Contains(err.Message, parameterRefused) {
			return "the pooler refuses a parameter of the store URL: " +
				"leave it out, or name it in ignore_startup_parameters", storage.ErrSchema
		}
		return "", storage.ErrUnavailable
	case "28":
		return "the server refuses the user or the password", storage.ErrSchema
	case "40": // deadlock, or conflict with another transaction
		return "", storage.ErrBusy
	case "42", "3F", "0A": // syntax or access rule, unknown schema, unsupported feature
		return "", storage.ErrSchema
	case "53", "57": // insufficient resources, operator intervention
		return "", storage.ErrUnavailable
	case "58":
		return "the server can't read or write its files: check its log and its disk", storage.ErrDamaged
	}
	return "", nil
}

const (
	statementExists  = "42P05"
	notNullViolation = "23502"
)

// isConnection reports whether an error was caused by the connection or by opening it.
func isConnection(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.Is(err, pgconn.ErrConnClosed):
		return true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // the deadline error is a net.Error
		return false
	}
	return errors.As(err, &network)
}

// isStale reports whether a statement was refused because its plan is older than an ALTER TABLE, which the server
// reports as an unsupported feature. On the next attempt, the driver makes a new plan.
func isStale(err error) bool { return codeOf(err) == "0A000" }

// isCanceled reports whether the server canceled the statement. The cancellation may have been meant for an earlier
// statement: it addresses the session, so if it arrives late, it hits the next statement.
func isCanceled(err error) bool { return codeOf(err) == "57014" }

// isTimeLimit reports whether the server canceled the statement because of its own statement_timeout. Only the message,
// which must be in English, identifies the time limit as the cause.
func isTimeLimit(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && strings.Contains(server.Message, "statement timeout")
}

// codeOf returns the SQLSTATE code of an error that the server reported, or "" for any other error.
func codeOf(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

// isUncertain reports whether a commit may have succeeded even though it returned this error. If the server reports an
// error, it has rolled back the transaction, unless the error also ended the session.
func isUncertain(err error) bool {
	var server *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return false
	case !errors.As(err, &server):
		return true
	}
	const completionUnknown = "40003"
	return server.Code == completionUnknown || server.SeverityUnlocalized != "ERROR"
}

// refusal translates errors caused by the row, and classifies all other errors.
func refusal(err error) error {
	switch code := codeOf(err); {
	case code == notNullViolation:
	case code == "23505": // unique violation
		return catalog.ErrTaken
	case code == "2200H": // the sequence is exhausted
		return catalog.ErrNoID
	case strings.HasPrefix(code, "22"), strings.HasPrefix(code, "23"): // data, constraints
		return fmt.Errorf("%w: a value does not fit its column", catalog.ErrRefused)
	}
	return trouble(err)
}
