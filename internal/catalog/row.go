package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"superheroes/internal/storage"
)

// ScanRow reads a row of the columns of table.SelectList; scan is the driver's. It fails with a storage.RowError, which
// names the row, when a value doesn't fit its field or is outside the item's limits, and with scan's own error when
// there was no row to read. What is empty breaks no limit, because NULL is read as empty.
func ScanRow[T Item](table Table[T], scan func(fields ...any) error) (T, error) {
	item, err := ScanForUpdate(table, scan)
	if err == nil {
		err = unreadable(table, item, checkLimits(table, item))
	}
	return item, err
}

// ScanForUpdate is ScanRow for a row that is about to be changed: it may be outside the limits, which the change can put
// right. A value that doesn't fit its field is an error all the same, so that no change of another field replaces it unseen:
// see Change.
func ScanForUpdate[T Item](table Table[T], scan func(fields ...any) error) (T, error) {
	var item T
	err := scan(table.Fields(&item)...)
	if *table.Key(&item) == 0 { // it is read first: without it, the row itself could not be had
		return item, err
	}
	return item, unreadable(table, item, err)
}

// Change returns what change makes of the row that ScanForUpdate returned, with its error; of nil for a new row. One whose
// values don't fit its fields is nil to change as well, which can replace or delete it. When it can't go without the old
// values, and fails with ErrUnreadable, Change fails with the storage.RowError.
func Change[T any](old *T, err error, change func(old *T) (*T, error)) (*T, error) {
	var row *storage.RowError
	unreadable := errors.As(err, &row)
	switch {
	case unreadable:
		old = nil
	case err != nil:
		return nil, err
	}
	item, err := change(old)
	if unreadable && errors.Is(err, ErrUnreadable) {
		return nil, row
	}
	return item, err
}

// CheckChanged returns an error when the change of a row that is there changed none: a trigger or a rule dropped it, which is
// no error of the database's.
func CheckChanged[T Item](table Table[T], rows int64) error {
	if rows > 0 {
		return nil
	}
	return storage.Errorf(storage.ErrSchema, "a trigger or rule of table %s drops changes", table.Name)
}

// unreadable returns a storage.RowError that names the row, nil for no error.
func unreadable[T Item](table Table[T], item T, err error) error {
	if err == nil {
		return nil
	}
	return &storage.RowError{What: table.Row, ID: strconv.FormatInt(*table.Key(&item), 10), Err: err}
}

// checkLimits returns an error that names each field of a stored item that is outside the contract.
func checkLimits[T Item](table Table[T], item T) error {
	var wrong []string
	item.Check(func(field, message string) {
		if value := table.Value(item, field); value != "" {
			wrong = append(wrong, fmt.Sprintf("%s %q %s", field, clip(value), message))
		}
	})
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, ", "))
}
