// Package storage names what can be wrong with a store. Every engine reports its trouble in these terms, and everything
// that decides on it (starting, answering, readiness) decides on them alone, so that the same trouble has the same
// consequences on SQLite, PostgreSQL, MariaDB and MongoDB.
package storage

import (
	"errors"
	"fmt"
)

// The kinds of trouble. An engine wraps the driver's error in one of them with As; use errors.Is to ask for a kind.
var (
	// ErrUnavailable means that the store can't be reached or does not answer. It may be back at any time.
	ErrUnavailable = errors.New("the store does not answer")
	// ErrBusy means that somebody else holds a lock for longer than the caller could wait.
	ErrBusy = errors.New("the store is locked")
	// ErrFull means that the store takes no writes: its disk or quota is full, or it is read-only. Reads still work.
	ErrFull = errors.New("the store takes no writes")
	// ErrDamaged means that the store's data is damaged, or that its file is no longer at its path. It needs a person.
	ErrDamaged = errors.New("the store is damaged")
	// ErrSchema means that a table, column, type or permission is missing, or is not as expected. It needs a person.
	ErrSchema = errors.New("the store's schema is not as expected")
)

// Error is trouble of one kind.
type Error struct {
	Kind   error  // one of the kinds above
	Detail string // what exactly, and where there is one the remedy, for operators; may be empty
	Err    error  // the driver's error; may be nil
}

// As returns err as trouble of that kind, or nil when err is nil. An err that already has a kind keeps it. The detail, if
// any, says what exactly is wrong, in words for an operator: it holds no SQL text and no password.
func As(kind, err error, detail ...any) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Kind: kind, Detail: fmt.Sprint(detail...), Err: err}
}

// Errorf returns trouble of that kind that no driver reported.
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

// KindOf returns the kind of err, nil when it has none.
func KindOf(err error) error {
	for _, kind := range []error{ErrBusy, ErrFull, ErrDamaged, ErrSchema, ErrUnavailable} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// RowError means that one row or document can't be read, because a value is outside the contract. All others can.
type RowError struct {
	What string // what it is, such as "hero" or "fight"
	ID   string // its id, as text
	Err  error  // names the column or field
}

func (e *RowError) Error() string { return fmt.Sprintf("%s %s can't be read: %v", e.What, e.ID, e.Err) }

// Unwrap returns what is wrong with the row.
func (e *RowError) Unwrap() error { return e.Err }
