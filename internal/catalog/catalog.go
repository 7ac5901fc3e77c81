// Package catalog is what heroes, villains and locations share: one service, generic over the item, that lists,
// finds and draws at random. It knows neither HTTP nor any database: where the rows lie is the
// business of its Stores.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrNotFound means that no item has that id.
	ErrNotFound = errors.New("not found")
	// ErrEmpty means that the catalog holds nothing to draw.
	ErrEmpty = errors.New("the catalog is empty")
	// ErrRefused means that the store can't take an item as it is, because its name is taken for instance.
	ErrRefused = errors.New("refused")
	// ErrTaken is the ErrRefused of an item whose name another one has.
	ErrTaken = fmt.Errorf("%w: the name is taken", ErrRefused)
	// ErrNoID is the ErrRefused of an item without an id when the largest there can be is given.
	ErrNoID = fmt.Errorf("%w: there is no id left above the highest", ErrRefused)
	// ErrUnreadable is what the change of Store.Write fails with when it needs the values of a row that can't be read.
	ErrUnreadable = errors.New("the values of the row can't be read")
	// ErrMaybeWritten means that the store didn't confirm a change: it may have been made all the same.
	ErrMaybeWritten = errors.New("not confirmed, may have been written")
)

// Item is what a catalog holds.
type Item interface {
	Key() int64                               // the id, 0 when it has none yet
	Label() string                            // the name
	AppendJSON(dst []byte) []byte             // the item as one JSON object, on one line
	Check(refuse func(field, message string)) // calls refuse for each field that breaks a limit
}

// Kind is one of the catalogs: its words in paths and messages, and its table.
type Kind[T Item] struct {
	Singular, Plural string // hero, heroes
	Table            Table[T]
	Emblem           func(T) []byte // a picture drawn from the entry, as SVG
	Example          T              // for the API document
}

// Store keeps the items of one catalog. All methods may be called concurrently; each returns soon after ctx ends.
type Store[T Item] interface {
	// Get returns the item with that id, or ErrNotFound.
	Get(ctx context.Context, id int64) (T, error)
	// GetMany returns the items with those ids, in any order, with one question. Those that don't exist are left out.
	// There are 1 to 500 ids, all different.
	GetMany(ctx context.Context, ids []int64) ([]T, error)
	// Page returns the first items with an id above after, by id, at most limit.
	Page(ctx context.Context, after int64, limit int) ([]T, error)
	// IDs returns every id above 0, rising, and the version they belong to; no ids, and the same version, when nothing was changed
	// since the version that the caller knows. The zero Version is never current.
	IDs(ctx context.Context, known Version) ([]int64, Version, error)
	// Import writes, in one transaction, what feed puts: an item whose id is there already is overwritten, one
	// without an id gets the next. put returns ErrRefused for an item that is refused; feed may go on after that.
	// With replace the table is emptied first. When feed returns an error nothing is changed.
	Import(ctx context.Context, replace bool, feed func(put func(T) error) error) error
	// Write changes one item in one transaction, and returns it as it is then. change gets the item with that id, which
	// nobody else changes meanwhile, and returns what shall stand in its place, under the same id, or nil to delete it. With an id of 0 it
	// gets nil, and what it returns becomes a new item with the next id; it gets nil, too, for an item whose values can't be
	// read (see Change). It is called once at most.
	//
	// Write fails with ErrNotFound when no item has that id, with ErrRefused, with ErrMaybeWritten, or with the error
	// of change; but for ErrMaybeWritten nothing was changed then.
	Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error)
	// Ping tells whether the store answers.
	Ping(ctx context.Context) error
	// Close ends every connection.
	Close() error
}

// Version names a state of a table. Equal versions of one store mean equal rows; the zero Version equals none.
type Version string

// AppendString appends text as a JSON string. Bytes that aren't UTF-8 become U+FFFD. Most texts are plain ASCII, which
// is copied as it is: a third of the time (BenchmarkAppendString).
func AppendString(dst []byte, text string) []byte {
	if isPlain(text) {
		dst = append(dst, '"')
		dst = append(dst, text...)
		return append(dst, '"')
	}
	dst, _ = jsontext.AppendQuote(dst, text) // the error only tells of the replacement
	return dst
}

// isPlain tells whether text is printable ASCII without what JSON escapes.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// AppendID appends an id as a JSON number, or null for 0: an entry that came without one.
func AppendID(dst []byte, id int64) []byte {
	if id == 0 {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, id, 10)
}
