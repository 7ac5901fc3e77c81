package exchange_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"testing"

	"superheroes/internal/exchange"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "regenerate the golden files")

// roster contains everything that the formats treat specially.
var roster = []hero{
	{ID: 1, Name: "Yoda", OtherName: "Minch", Level: 900, Picture: "/yoda.svg", Powers: "Force, Patience"},
	{ID: 51, Name: `"Quoted"`, OtherName: "T'Challa", Level: -1},
	{ID: 1<<63 - 1, Name: " blanks\t", OtherName: "line\nfeed", Picture: "carriage\rreturn", Powers: "both\r\n"},
	{ID: 2, Name: "Éowyn 😀", OtherName: "back\\slash", Powers: "<&>;"},
	{},
}

func TestWrittenFiles(t *testing.T) {
	for f, golden := range map[exchange.Format]string{
		exchange.JSONLines: "testdata/heroes.jsonl",
		exchange.CSV:       "testdata/heroes.csv",
	} {
		t.Run(f.String(), func(t *testing.T) {
			got := writeAll(t, f, roster)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s has changed:\n%s", golden, diff)
			}
			if diff := cmp.Diff(roster, readAll(t, bytes.NewReader(want), f, heroes())); diff != "" {
				t.Errorf("%s reads back differently:\n%s", golden, diff)
			}
		})
	}
}

func TestEmptyFileHasAHeader(t *testing.T) {
	if got, want := string(writeAll(t, exchange.CSV, nil)), "id,name,otherName,level,picture,powers\n"; got != want {
		t.Errorf("CSV: got %q, want %q", got, want)
	}
	if got := string(writeAll(t, exchange.JSONLines, nil)); got != "" {
		t.Errorf("JSON lines: got %q, want nothing", got)
	}
}

func TestSQLIsNotWritten(t *testing.T) {
	w := exchange.NewWriter(io.Discard, exchange.SQL, heroes())
	if w.Write(hero{}) == nil || w.Flush() == nil {
		t.Error("no error")
	}
}

func TestWriteErrorStays(t *testing.T) {
	full := errors.New("no space left")
	w := exchange.NewWriter(writerFunc(func([]byte) (int, error) { return 0, full }), exchange.JSONLines, heroes())
	var err error
	for range 100_000 {
		if err = w.Write(roster[0]); err != nil {
			break
		}
	}
	if !errors.Is(err, full) {
		t.Errorf("Write: got %v, want %v", err, full)
	}
	if err := w.Flush(); !errors.Is(err, full) {
		t.Errorf("Flush: got %v, want %v", err, full)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
