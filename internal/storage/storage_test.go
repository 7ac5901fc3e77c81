package storage_test

import (
	"errors"
	"io"
	"testing"

	"superheroes/internal/storage"
)

func TestErrors(t *testing.T) {
	busy := storage.As(storage.ErrBusy, io.ErrUnexpectedEOF)
	for _, c := range []struct {
		name string
		err  error
		is   []error
		text string
	}{
		{"a driver's error with a kind", busy, []error{storage.ErrBusy, io.ErrUnexpectedEOF}, "the store is locked: unexpected EOF"},
		{"the first kind stays", storage.As(storage.ErrDamaged, busy), []error{storage.ErrBusy},
			"the store is locked: unexpected EOF"},
		{"a detail replaces the general message", storage.As(storage.ErrSchema, io.EOF, "table hero has no column level"),
			[]error{storage.ErrSchema, io.EOF}, "table hero has no column level: EOF"},
		{"without an error from the driver", storage.Errorf(storage.ErrDamaged, "%s was removed", "fights.db"),
			[]error{storage.ErrDamaged}, "fights.db was removed"},
		{"a row", &storage.RowError{What: "hero", ID: "7", Err: io.EOF}, []error{io.EOF}, "hero 7 can't be read: EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.err.Error() != c.text {
				t.Errorf("got %q, want %q", c.err, c.text)
			}
			for _, want := range c.is {
				if !errors.Is(c.err, want) {
					t.Errorf("errors.Is does not find %v", want)
				}
			}
		})
	}
	if errors.Is(storage.As(storage.ErrDamaged, busy), storage.ErrDamaged) {
		t.Error("storage.As changed the kind of an error that already had one")
	}
	if storage.As(storage.ErrBusy, nil) != nil {
		t.Error("storage.As(storage.ErrBusy, nil) is not nil")
	}
}
