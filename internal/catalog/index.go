package catalog

import (
	"context"
	"slices"
	"time"
)

// index is what a picker knows of a table: its rows, or only their ids.
type index[T Item] struct {
	ids      []int64
	rows     []row[T] // in the place of the ids, unless nil
	version  Version
	read     time.Time // when the read began
	large    time.Time // when the table was last found to be above the limit
	changes  uint64    // of the picker, that it surely has seen
	loadable bool      // this version of the table may be within it, nobody has looked
}

// row is an item, and the same as AppendJSON encodes it: nil when it isn't encoded yet.
type row[T Item] struct {
	item T
	json []byte
}

func (x *index[T]) size() int {
	if x.rows != nil {
		return len(x.rows)
	}
	return len(x.ids)
}

func (x *index[T]) id(at int) int64 {
	if x.rows != nil {
		return x.rows[at].item.Key()
	}
	return x.ids[at]
}

// rowSize is what a row counts besides its JSON: the item's fields, two slices' worth of addresses, an entry of the
// allocator for each text. The letters of its texts, which are in memory once more beside the JSON, are not counted.
const rowSize = 256

// snapshot reads the rows of a table that has about n. They don't fit when the bytes of their JSON and rowSize for each
// add up to more than limit; then the read ends there.
func snapshot[T Item](ctx context.Context, store Store[T], n int, limit int64) (rows []row[T], fit bool, err error) {
	left := limit - int64(n)*rowSize
	if left < 0 {
		return nil, false, nil
	}
	rows, left = make([]row[T], 0, n), limit
	for after := int64(0); ; after = rows[len(rows)-1].item.Key() {
		page, err := store.Page(ctx, after, pageSize)
		if err != nil {
			return nil, false, err
		}
		rows = appendRows(rows, page)
		for _, added := range rows[len(rows)-len(page):] {
			left -= int64(len(added.json)) + rowSize
		}
		if left < 0 {
			return nil, false, nil
		}
		if len(page) < pageSize {
			return rows, true, nil
		}
	}
}

// appendRows appends items with their JSON, which shares one allocation.
func appendRows[T Item](rows []row[T], page []T) []row[T] {
	var buffer []byte
	ends := make([]int, len(page))
	for i, item := range page {
		buffer = item.AppendJSON(buffer)
		ends[i] = len(buffer)
	}
	buffer = slices.Clone(buffer) // it grew by doubling, and stays
	begin := 0
	for i, end := range ends {
		rows = append(rows, row[T]{page[i], buffer[begin:end:end]})
		begin = end
	}
	return rows
}
