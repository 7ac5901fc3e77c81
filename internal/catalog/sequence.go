package catalog

import "math"

// Sequence gives ids to items that come without one, as the family's sequences do: 1, 1+Step, 1+2·Step, …, always
// above every id there is or was.
type Sequence struct {
	Highest int64 // of all ids given or seen, 0 for none
	Step    int64
}

// Give returns the item's own id, or the next one when it has none. It fails with ErrNoID.
func (s *Sequence) Give(id int64) (int64, error) {
	switch {
	case id != 0:
	case s.Highest == 0:
		id = 1
	case s.Highest > math.MaxInt64-s.Step:
		return 0, ErrNoID
	default:
		id = s.Highest + s.Step
	}
	s.Highest = max(s.Highest, id)
	return id, nil
}
