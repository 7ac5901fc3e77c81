package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"superheroes/internal/storage"
)

// ScanRow reads a row with the columns of table.SelectList, using the driver's scan function. It fails with a
// storage.RowError, which names the row, if a value doesn't fit its field or is outside the item's limits, and with
// scan's own error if there was no row. Empty values are always within the limits, because NULL is read as empty.
func ScanRow[T Item](table Table[T], scan func(fields ...any) error) (T, error) {
	item, err := ScanForUpdate(table, scan)
	if err == nil {
		err = unreadable(table, item, checkLimits(table, item))
	}
	return item, err
}

// ScanForUpdate is like ScanRow, but for a row that is about to be changed: it accepts values outside the limits,
// since the change may fix them. A value that doesn't fit its field is still an error, so that a change of another
// field doesn't silently replace it (see Change).
func ScanForUpdate[T Item](table Table[T], scan func(fields ...any) error) (T, error) {
	var item T
	err := scan(table.Fields(&item)...)
	if *table.Key(&item) == 0 { // the key is scanned first: if it is missing, no row was read
		return item, err
	}
	return item, unreadable(table, item, err)
}

// Change calls change with old, which is the row that ScanForUpdate returned along with err, or nil for a new row. If
// the row's values don't fit their fields, change also gets nil and can replace or delete the row. If change needs the
// old values, it fails with ErrUnreadable and Change returns the storage.RowError.
func Change[T any](old *T, err error, change ChangeFunc[T]) (*T, error) {
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

// CheckChanged returns an error if a change to an existing row affected no row: a trigger or a rule discarded the
// change, which databases don't report as an error.
func CheckChanged[T Item](table Table[T], rows int64) error {
	if rows > 0 {
		return nil
	}
	return storage.Errorf(storage.ErrSchema, "a trigger or rule on table %s discards changes", table.Name)
}

// unreadable wraps err in a storage.RowError that names the row. It returns nil if err is nil.
func unreadable[T Item](table Table[T], item T, err error) error {
	if err == nil {
		return nil
	}
	return &storage.RowError{What: table.Row, ID: strconv.FormatInt(*table.Key(&item), 10), Err: err}
}

// checkLimits returns an error that names each field of a stored item that is outside its limits.
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
