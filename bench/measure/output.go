package measure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// JSON writes the report in machine-readable form. A new version of the program may rename or add fields, or change
// their units.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// Save writes the report to a file as an HTML page.
func (r *Report) Save(path string) error {
	var page bytes.Buffer
	err := r.HTML(&page)
	if err == nil {
		err = os.WriteFile(path, page.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
