package measure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	return fmt.Errorf("%w: %w", ErrVoid, ErrInterrupted)
}

// JSON writes the report in machine-readable form. A new version of the program may rename or add fields, or change
// their units.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// Save writes report.txt, report.json and the plots to a folder.
func (r *Report) Save(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("creating the folder for the report: %w", err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"report.txt": r.Text, "report.json": r.JSON,
		"latency.svg": r.LatencyPlot, "cpu.svg": r.CPUPlot, "throughput.svg": r.ThroughputPlot,
	} {
		var text bytes.Buffer
		err := write(&text)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text.Bytes(), 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}
