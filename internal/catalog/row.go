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
	var item T
	err := scan(table.Fields(&item)...)
	id := *table.Key(&item) // is read first: without it, the row itself could not be had
	if err == nil {
		err = checkLimits(table, item)
	} else if id == 0 {
		return item, err
	}
	if err != nil {
		return item, &storage.RowError{What: table.Row, ID: strconv.FormatInt(id, 10), Err: err}
	}
	return item, nil
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
