package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"

	"superheroes/internal/app"
	"superheroes/internal/exchange"
)

type importCommand struct {
	Catalog          string   `arg:"" enum:"heroes,villains,locations" help:"What the files hold: heroes, villains or locations."`
	Files            []string `arg:"" name:"file" help:"Files to read; - is the standard input."`
	Format           string   `default:"" enum:",sql,jsonl,csv" env:"IMPORT_FORMAT" help:"Format of the files: sql, jsonl or csv; by their names when not given."`
	Replace          bool     `env:"IMPORT_REPLACE" help:"Empty the catalog first, in the same transaction."`
	Partial          bool     `env:"IMPORT_PARTIAL" help:"Take the good rows although others were refused."`
	app.CatalogStore `embed:""`
}

// Validate refuses a store that can't be the catalog's.
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
	ctx, stop := untilSignal()
	defer stop()
	result, err := app.Import(ctx, c.Catalog, c.CatalogStore, files, app.ImportOptions{
		Replace: c.Replace,
		Partial: c.Partial,
		Refused: func(file string, cause error) { fmt.Fprintf(s.stderr, "%s: %v\n", file, cause) },
	})
	switch {
	case errors.Is(err, app.ErrNothingChanged):
		return fmt.Errorf("%d rows were refused and nothing was changed; --partial takes the others", result.Refused)
	case err != nil:
		return unchanged(err)
	}
	fmt.Fprintf(s.stdout, "%d %s imported into %s, %d rows refused\n", result.Taken, c.Catalog, c.Place(c.Catalog), result.Refused)
	return nil
}

// unchanged is an error of what wrote a catalog.
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
	if name == "-" {
		return 0, errors.New("--format is needed for the standard input")
	}
	return exchange.FormatOf(name)
}

// open opens a file for reading; on a terminal a bar shows how far it was read.
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
	bar := s.bar(info.Size(), name, progressbar.OptionShowBytes(true))
	if bar == nil {
		return file, nil
	}
	reader := progressbar.NewReader(file, bar)
	return &reader, nil
}

type exportCommand struct {
	Catalog          string `arg:"" enum:"heroes,villains,locations" help:"What to write: heroes, villains or locations."`
	Output           string `short:"o" default:"-" env:"EXPORT_OUTPUT" help:"File to write; - is the standard output."`
	Format           string `default:"" enum:",jsonl,csv" env:"EXPORT_FORMAT" help:"Format: jsonl or csv; by the file's name when not given, else jsonl."`
	app.CatalogStore `embed:""`
}

// Validate refuses a store that can't be the catalog's.
func (c exportCommand) Validate() error { return c.ValidateFor(c.Catalog) }

func (c exportCommand) Run(s *session) error {
	if c.Format == "" && c.Output == "-" {
		c.Format = "jsonl"
	}
	format, err := formatOf(c.Format, c.Output)
	if err != nil {
		return usageError{err}
	}
	if format == exchange.SQL {
		return usageError{errors.New("--output: SQL is not written; take .jsonl or .csv")}
	}
	ctx, stop := untilSignal()
	defer stop()
	if c.Output == "-" {
		return export(ctx, c, format, s.stdout)
	}
	return replaceFile(c.Output, func(w io.Writer) error { return export(ctx, c, format, w) })
}

func export(ctx context.Context, c exportCommand, format exchange.Format, w io.Writer) error {
	buffered := bufio.NewWriter(w)
	if err := app.Export(ctx, c.Catalog, c.CatalogStore, format, buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// replaceFile writes a file that takes its name only when it is whole: when write fails, an older file stays as it was.
func replaceFile(path string, write func(io.Writer) error) error {
	draft := path + ".part"
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		draft = path // a pipe or a device keeps its name
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
	ctx, stop := untilSignal()
	defer stop()
	return app.Migrate(ctx, c.Stores, func(service, engine string) {
		fmt.Fprintf(s.stdout, "%-10s ready in %s\n", service, engine)
	})
}
