package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"

	"superheroes/internal/app"
	"superheroes/internal/exchange"
)

type importCommand struct {
	Catalog          string   `arg:"" enum:"heroes,villains,locations" help:"What the files contain: heroes, villains or locations."`
	Files            []string `arg:"" name:"file" help:"Files to read; - means standard input."`
	Format           string   `default:"" enum:",sql,jsonl,csv" env:"IMPORT_FORMAT" help:"Format of the files: sql, jsonl or csv; derived from the file names if not given."`
	Replace          bool     `env:"IMPORT_REPLACE" help:"Empty the catalog first, in the same transaction."`
	Partial          bool     `env:"IMPORT_PARTIAL" help:"Import the valid rows even if others are refused."`
	app.CatalogStore `embed:""`
}

// Validate rejects store settings that don't apply to the catalog.
func (c importCommand) Validate() error { return c.ValidateFor(c.Catalog) }

func (c importCommand) Run(s *session) error {
	files := make([]app.ImportFile, len(c.Files))
	for i, name := range c.Files {
		format, err := formatOf(c.Format, name)
		if err != nil {
			return usageError{err}
		}
		if _, err := os.Stat(name); name != "-" && err != nil {
			return err
		}
		files[i] = app.ImportFile{Name: name, Format: format, Open: func() (io.ReadCloser, error) { return s.open(name) }}
	}
	ctx, stop := s.untilSignal()
	defer stop()
	refused := refusals{known: map[string]*refusal{}}
	options := app.ImportOptions{Replace: c.Replace, Partial: c.Partial, Refused: refused.add}
	result, err := app.Import(ctx, c.Catalog, c.CatalogStore, files, options)
	refused.write(s.stderr)
	switch {
	case errors.Is(err, app.ErrNothingChanged):
		return fmt.Errorf("%s refused and nothing was changed; --partial imports the others", were(result.Refused, "rows"))
	case err != nil:
		return unchanged(err)
	}
	done := fmt.Sprintf("%s imported into %s", counted(result.Taken, c.Catalog), c.Place(c.Catalog))
	if result.Refused > 0 {
		done += fmt.Sprintf("; %s refused", were(result.Refused, "rows"))
	}
	fmt.Fprintln(s.stdout, done)
	return nil
}

// counted formats a number with its noun, given the plural of the noun.
func counted[N int | int64](n N, plural string) string {
	switch {
	case n != 1:
		return fmt.Sprintf("%d %s", n, plural)
	case plural == "heroes":
		return "1 hero"
	}
	return "1 " + strings.TrimSuffix(plural, "s")
}

// were formats a number with its noun and verb: 1 row was, 2 rows were.
func were(n int, plural string) string {
	if n == 1 {
		return counted(n, plural) + " was"
	}
	return counted(n, plural) + " were"
}

// mostReasons limits how many reasons for refused rows are printed.
const mostReasons = 50

// refusals collects the reasons why rows were refused. Rows in the same file that were refused for the same reason are
// reported on one line.
type refusals struct {
	reasons []*refusal
	known   map[string]*refusal
	more    int // number of rows refused for reasons beyond the first mostReasons
}

type refusal struct {
	first      string // line number of the first row, and the reason
	rows, last int    // number of rows, and line number of the last row
}

// add records a refused row and its reason.
func (r *refusals) add(file string, cause error) {
	var at *exchange.LineError
	if !errors.As(cause, &at) {
		at = &exchange.LineError{Err: cause}
	}
	key := file + "\n" + at.Column + "\n" + shorten(at.Err.Error())
	known := r.known[key]
	switch {
	case known != nil:
	case len(r.reasons) == mostReasons:
		r.more++
		return
	default:
		known = &refusal{first: shorten(fmt.Sprintf("%s: %v", file, cause))}
		r.known[key] = known
		r.reasons = append(r.reasons, known)
	}
	known.rows++
	known.last = at.Line
}

// shorten truncates a message, because it may quote a long value from the file.
func shorten(text string) string {
	const longest = 400
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}

// write prints a line for each reason.
func (r *refusals) write(w io.Writer) {
	for _, reason := range r.reasons {
		text := oneLine(reason.first)
		switch {
		case reason.rows == 2:
			text += fmt.Sprintf(" … and 1 more like it, on line %d", reason.last)
		case reason.rows > 2:
			text += fmt.Sprintf(" … and %d more like it, up to line %d", reason.rows-1, reason.last)
		}
		fmt.Fprintln(w, text)
	}
	if r.more > 0 {
		fmt.Fprintf(w, "… and %s refused for other reasons\n", counted(r.more, "rows"))
	}
}

// unchanged wraps an error from a command that writes to a catalog. The new error states whether anything was changed.
func unchanged(err error) error {
	if errors.Is(err, app.ErrMaybeChanged) {
		return fmt.Errorf("it is unknown whether anything was changed: %w", err)
	}
	return fmt.Errorf("nothing was changed: %w", err)
}

func formatOf(format, name string) (exchange.Format, error) {
	if format != "" {
		return exchange.FormatOf("." + format)
	}
	if name == "-" { // needed only for reading; the output format has a default
		return 0, &settingError{"--format", "IMPORT_FORMAT", errors.New("is required when reading standard input")}
	}
	guessed, err := exchange.FormatOf(name)
	if err != nil {
		err = fmt.Errorf("%w, or set --format", err)
	}
	return guessed, err
}

// open opens a file for reading, and shows a progress bar.
func (s *session) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	reader := progressbar.NewReader(file, s.bar(info.Size(), name, progressbar.OptionShowBytes(true)))
	return &reader, nil
}

type exportCommand struct {
	Catalog          string `arg:"" enum:"heroes,villains,locations" help:"What to write: heroes, villains or locations."`
	Output           string `short:"o" default:"-" env:"EXPORT_OUTPUT" help:"File to write; - means standard output."`
	Format           string `default:"" enum:",jsonl,csv" env:"EXPORT_FORMAT" help:"Format: jsonl or csv; derived from the file name if not given, else jsonl."`
	app.CatalogStore `embed:""`
}

// Validate rejects store settings that don't apply to the catalog.
func (c exportCommand) Validate() error { return c.ValidateFor(c.Catalog) }

func (c exportCommand) Run(s *session) error {
	if c.Format == "" && c.Output == "-" {
		c.Format = "jsonl"
	}
	format, err := formatOf(c.Format, c.Output)
	if err != nil {
		return usageError{&settingError{"--output", "EXPORT_OUTPUT", err}}
	}
	if format == exchange.SQL {
		err := errors.New("exporting SQL is not supported; use .jsonl or .csv")
		return usageError{&settingError{"--output", "EXPORT_OUTPUT", err}}
	}
	ctx, stop := s.untilSignal()
	defer stop()
	rows, target := 0, "standard output"
	write := func(w io.Writer) (err error) {
		buffered := bufio.NewWriter(w)
		if rows, err = app.Export(ctx, c.Catalog, c.CatalogStore, format, buffered); err != nil {
			return err
		}
		return buffered.Flush()
	}
	if c.Output == "-" {
		err = write(s.stdout)
	} else {
		target = c.Output
		err = replaceFile(c.Output, write)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "wrote %s to %s\n", counted(rows, c.Catalog), target)
	return nil
}

// replaceFile writes a file under a temporary name, and renames it when it is complete. If write fails, an existing
// file stays unchanged.
func replaceFile(path string, write func(io.Writer) error) error {
	draft := path + ".part"
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		draft = path // write directly to a pipe or device
	}
	file, err := os.Create(draft)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Close()); err != nil || draft == path {
		if draft != path {
			_ = os.Remove(draft)
		}
		return err
	}
	return os.Rename(draft, path)
}

type migrateCommand struct {
	app.Stores `embed:""`
}

func (c migrateCommand) Run(s *session) error {
	ctx, stop := s.untilSignal()
	defer stop()
	return app.Migrate(ctx, c.Stores, func(service, engine string) {
		fmt.Fprintf(s.stdout, "%-10s ready in %s\n", service, engine)
	})
}
