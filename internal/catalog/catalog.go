// Package catalog implements the domain shared by heroes, villains and locations: a service, generic over the item
// type, that lists, finds, randomly picks and edits items. It guarantees that picks are uniformly distributed and that
// no pick returns a row that is more than a second stale. It depends on neither HTTP nor any database driver:
// implementations of Store provide the storage.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrNotFound means that no item has the given id.
	ErrNotFound = errors.New("not found")
	// ErrEmpty means that the catalog has no item to pick.
	ErrEmpty = errors.New("the catalog is empty")
	// ErrRefused means that the store rejects an item, for instance because its name is taken.
	ErrRefused = errors.New("refused")
	// ErrTaken is an ErrRefused for an item whose name is already used by another item.
	ErrTaken = fmt.Errorf("%w: the name is taken", ErrRefused)
	// ErrNoID is an ErrRefused for an item without an id when the highest possible id is already in use.
	ErrNoID = fmt.Errorf("%w: no id is left above the highest id in use", ErrRefused)
	// ErrUnreadable is returned by a ChangeFunc that needs the old values of a row that can't be read.
	ErrUnreadable = errors.New("the values of the row can't be read")
	// ErrMaybeWritten means that the store didn't confirm a change, so it may or may not have been made.
	ErrMaybeWritten = errors.New("not confirmed, may have been written")
)

// Item is an entry of a catalog.
type Item interface {
	Key() int64                               // the id, 0 if the item has none yet
	Label() string                            // the name
	AppendJSON(dst []byte) []byte             // the item as one JSON object, on one line
	Check(refuse func(field, message string)) // calls refuse for each field outside its limits
}

// Kind describes one catalog: the nouns for its items in paths and messages, and its table.
type Kind[T Item] struct {
	Singular, Plural string // hero, heroes
	Table            Table[T]
	Emblem           func(T) []byte // draws the entry's picture as SVG
	Example          T              // for the API document
}

// Store stores the items of one catalog. All methods may be called concurrently, and return soon after ctx is done.
type Store[T Item] interface {
	// Get returns the item with the given id, or ErrNotFound.
	Get(ctx context.Context, id int64) (T, error)
	// GetMany returns the items with the given ids, in any order, in one query. GetMany omits items that don't exist.
	// GetMany is called with 1 to 500 distinct ids.
	GetMany(ctx context.Context, ids []int64) ([]T, error)
	// Page returns the first limit items with an id greater than after, ordered by id.
	Page(ctx context.Context, after int64, limit int) ([]T, error)
	// IDs returns all positive ids in ascending order and the table's version. If the table hasn't changed since the
	// version passed as known, IDs returns no ids and the same version. If known is the zero Version, IDs always
	// returns the ids.
	IDs(ctx context.Context, known Version) ([]int64, Version, error)
	// Import writes every item that feed passes to put, in one transaction. An item with an existing id replaces the
	// stored item; an item without an id gets the next free id. put returns ErrRefused for a rejected item, after which
	// feed may continue with the next item. If replace is true, the table is emptied first. If feed returns an error,
	// nothing is changed.
	Import(ctx context.Context, replace bool, feed Feed[T]) error
	// Write changes one item in a transaction and returns the result. change gets the item with the given id, locked
	// against other writers, and returns a replacement with the same id, or nil to delete the item. For id 0, change
	// gets nil and returns a new item, which is assigned the next id. change also gets nil for an item whose values are
	// unreadable (see Change). Write calls change at most once.
	//
	// Write returns ErrNotFound if no item has the given id, ErrRefused if the store rejects the change,
	// ErrMaybeWritten if the store doesn't confirm it, or the error that change returned. Except after ErrMaybeWritten,
	// a failed Write has changed nothing.
	Write(ctx context.Context, id int64, change ChangeFunc[T]) (*T, error)
	// Ping returns an error unless the store responds.
	Ping(ctx context.Context) error
	// Close closes every connection.
	Close() error
}

// Feed passes items to put one by one. A Feed returns the first error from put that it can't handle.
type Feed[T any] = func(put func(T) error) error

// ChangeFunc returns the replacement for an item, or nil to delete it. See Store.Write.
type ChangeFunc[T any] = func(old *T) (*T, error)

// Version identifies a state of a table. If two versions from the same store are equal, so are the rows; the zero
// Version matches no version.
type Version string

// AppendString appends text as a JSON string, replacing invalid UTF-8 with U+FFFD. Most strings are plain ASCII and can
// be copied unchanged, which takes a third as long as encoding them (BenchmarkAppendString).
func AppendString(dst []byte, text string) []byte {
	if isPlain(text) {
		dst = append(dst, '"')
		dst = append(dst, text...)
		return append(dst, '"')
	}
	dst, _ = jsontext.AppendQuote(dst, text) // the error only reports that invalid UTF-8 was replaced
	return dst
}

// isPlain reports whether text is printable ASCII that needs no escaping in JSON.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// AppendID appends an id as a JSON number, or null for an entry without an id (0).
func AppendID(dst []byte, id int64) []byte {
	if id == 0 {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, id, 10)
}
