package measure

import (
	"errors"
	"fmt"
)

// ErrVoid means that the figures in a report must not be used.
var ErrVoid = errors.New("VOID")

// Err returns a one-line reason why the report is void, or nil if it isn't void.
func (r *Report) Err() error {
	if !r.Void {
		return nil
	}
	for _, s := range r.Series {
		for _, m := range s.all() {
			if len(m.Void) > 0 {
				return fmt.Errorf("%w: %s, %s", ErrVoid, m.Name, m.Void[0])
			}
		}
	}
	return fmt.Errorf("%w: %s", ErrVoid, r.stopped())
}

func (r *Report) stopped() string { return "the measurement stopped early: " + r.Stopped }

// valid is the verdict on a report whose figures can be used.
const valid = "VALID"

// verdict says whether the figures can be used, and if not, why.
func (r *Report) verdict() string {
	switch unknown := r.unchecked(); {
	case r.Void && r.Stopped != "":
		return "VOID: " + r.stopped() + "; do not use these figures"
	case r.Void:
		return "VOID: do not use these figures"
	case unknown != "":
		return "UNCHECKED: " + unknown
	}
	return valid
}

// unchecked describes the first check that could not be made, or returns "" if all checks were made.
func (r *Report) unchecked() string {
	for _, s := range r.Series {
		for _, m := range s.all() {
			if unknown := m.unchecked(); unknown != "" {
				return unknown
			}
		}
	}
	return ""
}
