package measure

import (
	"encoding/json"
	"io"
)

// JSON writes the report for programs. Names and units don't change within a version of the program; fields may be added.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}
