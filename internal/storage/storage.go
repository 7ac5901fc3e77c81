// Package storage classifies store failures by kind. Every engine assigns one of these kinds to each failure, and the
// code that handles failures (startup, responses, readiness) looks only at the kind, so that a failure has the same
// consequences on SQLite, PostgreSQL, MariaDB and MongoDB. The package depends on none of the engines.
package storage

import (
	"errors"
	"fmt"
)

// The kinds of failures. An engine assigns a kind to the driver's error with As; callers test for a kind with
// errors.Is.
var (
	// ErrUnavailable means that the store can't be reached or doesn't respond. It may recover at any time.
	ErrUnavailable = errors.New("the store does not answer")
	// ErrBusy means that another client held a lock for longer than the caller could wait.
	ErrBusy = errors.New("the store is locked")
	// ErrFull means that the store accepts no writes: its disk or quota is full, or it is read-only. Reads still work.
	ErrFull = errors.New("the store accepts no writes")
	// ErrDamaged means that the store's data is damaged, or that its file is no longer at its path. It needs manual
	// repair.
	ErrDamaged = errors.New("the store is damaged")
	// ErrSchema means that a table, column, type or permission is missing or unexpected. It needs manual repair.
	ErrSchema = errors.New("the store's schema is not as expected")
)

// Error is a store failure of one kind.
type Error struct {
	Kind   error  // one of the kinds above
	Detail string // for operators: the exact failure and, if possible, the remedy; may be empty
	Err    error  // the driver's error; may be nil
}

// As wraps err in an Error of the given kind. It returns nil if err is nil, and err itself if it already has a kind.
// The detail, if any, describes the exact failure to an operator; it must not contain SQL or a password.
func As(kind, err error, detail ...any) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Kind: kind, Detail: fmt.Sprint(detail...), Err: err}
}

// Errorf returns an Error of the given kind for a failure that was detected without an error from the driver.
func Errorf(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	text := e.Kind.Error()
	if e.Detail != "" {
		text = e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// LogDetail implements logging.Detailed.
func (e *Error) LogDetail() string { return e.Detail }

// Unwrap returns the kind and the driver's error.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// KindOf returns the kind of err, or nil if it has none.
func KindOf(err error) error {
	for _, kind := range []error{ErrBusy, ErrFull, ErrDamaged, ErrSchema, ErrUnavailable} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// RowError means that one row or document can't be read because one of its values violates the API contract. Other rows
// are unaffected.
type RowError struct {
	What string // the kind of row, such as "hero" or "fight"
	ID   string // its id
	Err  error  // an error that names the column or field
}

func (e *RowError) Error() string { return fmt.Sprintf("%s %s can't be read: %v", e.What, e.ID, e.Err) }

// Unwrap returns the error that describes the invalid value.
func (e *RowError) Unwrap() error { return e.Err }
