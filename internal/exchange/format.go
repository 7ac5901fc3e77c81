package exchange

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is a file format.
type Format int

// The formats. SQL can only be read.
const (
	SQL Format = iota + 1
	JSONLines
	CSV
)

// FormatOf returns a file's format based on its extension, ignoring case: .sql, .csv, or .jsonl, .ndjson or
// .json for JSON lines.
func FormatOf(fileName string) (Format, error) {
	switch strings.ToLower(filepath.Ext(fileName)) {
	case ".sql":
		return SQL, nil
	case ".jsonl", ".ndjson", ".json":
		return JSONLines, nil
	case ".csv":
		return CSV, nil
	}
	return 0, fmt.Errorf("%s: unknown format; the name must end in .sql, .jsonl, .ndjson, .json or .csv", fileName)
}

// String returns the format's name for use in messages.
func (f Format) String() string {
	switch f {
	case SQL:
		return "SQL"
	case JSONLines:
		return "JSON lines"
	case CSV:
		return "CSV"
	}
	return fmt.Sprintf("Format(%d)", int(f))
}
