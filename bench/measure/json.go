package measure

import (
	"encoding/json"
	"io"
)

// JSON writes the report in machine-readable form. Within a version of the program, names and units don't change; fields may be
// added.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}
