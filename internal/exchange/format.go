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

// FormatOf returns a file's format by its extension: .sql, .csv, or for JSON lines .jsonl,
// .ndjson or .json, in any letter case.
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

// String returns the format's name for messages.
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
