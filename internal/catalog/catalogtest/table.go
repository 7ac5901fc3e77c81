package catalogtest

import (
	"context"
	"fmt"
	"slices"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
)

// Table is an in-memory store whose reads cost almost nothing, so that benchmarks measure only the picker.
type Table struct {
	catalog.Store[character.Character]
	Rows []character.Character
}

// NewTable returns a table with the given number of rows and the ids 1, 51, 101, …
func NewTable(rows int) *Table {
	s := &Table{}
	for i := range rows {
		row := character.Heroes().Example
		row.ID, row.Name = int64(1+50*i), fmt.Sprintf("hero %d", i)
		s.Rows = append(s.Rows, row)
	}
	return s
}

// Get implements catalog.Store.
func (s *Table) Get(_ context.Context, id int64) (character.Character, error) {
	return s.Rows[id/50], nil
}

// GetMany implements catalog.Store.
func (s *Table) GetMany(ctx context.Context, ids []int64) (found []character.Character, err error) {
	for _, id := range ids {
		row, _ := s.Get(ctx, id)
		found = append(found, row)
	}
	return found, nil
}

// Page implements catalog.Store.
func (s *Table) Page(_ context.Context, after int64, limit int) ([]character.Character, error) {
	begin := 0
	if after > 0 {
		begin = int(after/50) + 1
	}
	return slices.Clone(s.Rows[begin:min(begin+limit, len(s.Rows))]), nil
}

// IDs implements catalog.Store.
func (s *Table) IDs(_ context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	const version = "1"
	if known == version {
		return nil, version, nil
	}
	ids := make([]int64, len(s.Rows))
	for i, row := range s.Rows {
		ids[i] = row.ID
	}
	return ids, version, nil
}
