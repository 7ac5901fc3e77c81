package catalog

import "math"

// Sequence gives ids to items that have none, like the sequences of the sample applications: 1, 1+Step, 1+2·Step, …,
// always greater than any id seen so far.
type Sequence struct {
	Highest int64 // id given or seen so far, 0 for none
	Step    int64
}

// Give returns id, or the next one if it is 0. It fails with ErrNoID.
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
