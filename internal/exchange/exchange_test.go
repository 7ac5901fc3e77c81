package exchange_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"superheroes/internal/exchange"
)

// text generates strings that contain all the special characters of the file formats.
func text() *rapid.Generator[string] {
	special := rapid.SampledFrom([]rune(" \t\r\n\v\"'`,;\\()-/*#$:%_0aN\x01\x1a\u00a0\u2028é😀\u0301\ufeff\ufffd"))
	return rapid.StringOf(rapid.OneOf(special, rapid.Rune().Filter(func(r rune) bool { return r != 0 })))
}

func anyHero() *rapid.Generator[hero] {
	return rapid.Custom(func(t *rapid.T) hero {
		return hero{
			ID: rapid.Int64Min(1).Draw(t, "id"), Level: rapid.Int32().Draw(t, "level"),
			Name: text().Draw(t, "name"), OtherName: text().Draw(t, "otherName"),
			Picture: text().Draw(t, "picture"), Powers: text().Draw(t, "powers"),
		}
	})
}

type fataler interface{ Fatalf(string, ...any) }

// readAll returns the items of a file, and fails the test if a row is invalid.
func readAll(t fataler, r io.Reader, f exchange.Format, s exchange.Schema[hero]) []hero {
	items := []hero{}
	for row, err := range exchange.Read(r, f, s) {
		if err == nil {
			err = row.Err
		}
		if err != nil {
			t.Fatalf("read %v: %v", f, err)
		}
		items = append(items, row.Item)
	}
	return items
}

func writeAll(t fataler, f exchange.Format, items []hero) []byte {
	var file bytes.Buffer
	w := exchange.NewWriter(&file, f, heroes())
	for _, item := range items {
		if err := w.Write(item); err != nil {
			t.Fatalf("write %v: %v", f, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatalf("flush %v: %v", f, err)
	}
	return file.Bytes()
}

var written = []exchange.Format{exchange.JSONLines, exchange.CSV}

func TestRoundTrip(t *testing.T) {
	for _, f := range written {
		t.Run(f.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := rapid.SliceOfN(anyHero(), 0, 5).Draw(t, "heroes")
				file := writeAll(t, f, want)
				got := readAll(t, iotest.OneByteReader(bytes.NewReader(file)), f, heroes())
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s\n%s", file, diff)
				}
			})
		})
	}
}

func TestReadStopsWhereTheCallerDoes(t *testing.T) {
	for f, file := range map[exchange.Format]string{
		exchange.SQL:       "INSERT INTO hero(id, name) VALUES (1, 'a'), (2, 'b');",
		exchange.JSONLines: "{\"id\":1}\n{\"id\":2}\n",
		exchange.CSV:       "id,name\n1,a\n2,b\n",
	} {
		rows := 0
		for range exchange.Read(strings.NewReader(file), f, heroes()) {
			rows++
			break
		}
		if rows != 1 {
			t.Errorf("%v: %d rows, want 1", f, rows)
		}
	}
}

func TestReadErrorEndsTheFile(t *testing.T) {
	broken := errors.New("the disk is on fire")
	cases := []struct {
		name   string
		format exchange.Format
		before string
		want   string
	}{
		{"SQL, between statements", exchange.SQL, "INSERT INTO hero(id) VALUES (1);\n", "1 id=1\nEND line 2: read: the disk is on fire\n"},
		{"SQL, in a string", exchange.SQL, "INSERT INTO hero(id, name) VALUES (1, 'a\nb", "END line 2: read: the disk is on fire\n"},
		{"SQL, after a row", exchange.SQL, "INSERT INTO hero(id) VALUES (1)", "1 id=1\nEND line 1: read: the disk is on fire\n"},
		{"SQL, in a comment", exchange.SQL, "-- a", "END line 1: read: the disk is on fire\n"},
		{"SQL, in a COPY", exchange.SQL, "COPY hero(id) FROM stdin;\n1\n2", "2 id=1\nEND line 3: read: the disk is on fire\n"},
		{"UTF-16", exchange.SQL, "\xff\xfe-\x00-\x00", "END line 1: read: the disk is on fire\n"},
		{"JSON lines, after a complete object", exchange.JSONLines, `{"id":1}`, "END line 1: read: the disk is on fire\n"},
		{"CSV, in a field", exchange.CSV, "name\na\nb", "2 next name=\"a\"\nEND line 3: read: the disk is on fire\n"},
		{"CSV, in quotes", exchange.CSV, "name\n\"a\n", "END line 3: read: the disk is on fire\n"},
		{"CSV, after a carriage return", exchange.CSV, "name\na\r", "END line 2: read: the disk is on fire\n"},
		{"CSV, before the header", exchange.CSV, "", "END line 1: read: the disk is on fire\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := io.MultiReader(strings.NewReader(c.before), onceReader(broken))
			if got := listing(r, c.format, heroes()); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestReadErrorIsWrapped(t *testing.T) {
	for _, f := range []exchange.Format{exchange.SQL, exchange.JSONLines, exchange.CSV} {
		// An error that wraps io.EOF must not be mistaken for the end of the file.
		broken := fmt.Errorf("connection: %w", io.EOF)
		var last error
		for _, err := range exchange.Read(iotest.ErrReader(broken), f, heroes()) {
			last = err
		}
		if !errors.Is(last, broken) {
			t.Errorf("%v: got %v, want %v", f, last, broken)
		}
	}
}

// onceReader returns a reader that fails once and then returns io.EOF, as readers are allowed to do.
func onceReader(err error) io.Reader {
	failed := false
	return readerFunc(func([]byte) (int, error) {
		if failed {
			return 0, io.EOF
		}
		failed = true
		return 0, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]exchange.Format{
		"all-heroes.sql": exchange.SQL, "A.SQL": exchange.SQL, "a.jsonl": exchange.JSONLines, "b/c.NDJSON": exchange.JSONLines,
		"x.json": exchange.JSONLines, "x.sql.csv": exchange.CSV, ".Csv": exchange.CSV,
	} {
		if got, err := exchange.FormatOf(name); got != want || err != nil {
			t.Errorf("FormatOf(%q) = %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "heroes", "heroes.xml", "sql", "heroes.sql.gz", "x.csv/y"} {
		if got, err := exchange.FormatOf(name); err == nil {
			t.Errorf("FormatOf(%q) = %v, want an error", name, got)
		}
	}
}

var update = flag.Bool("update", false, "regenerate the golden files")

// roster contains all characters and values that need special treatment in the file formats.
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
				t.Errorf("the items read from %s differ:\n%s", golden, diff)
			}
		})
	}
}

func TestEmptyFileHasAHeader(t *testing.T) {
	if got, want := string(writeAll(t, exchange.CSV, nil)), "id,name,otherName,level,picture,powers\n"; got != want {
		t.Errorf("CSV: got %q, want %q", got, want)
	}
	if got := string(writeAll(t, exchange.JSONLines, nil)); got != "" {
		t.Errorf("JSON lines: got %q, want an empty file", got)
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
