package comparison

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/bench/page/pagetest"
)

var update = flag.Bool("update", false, "write the page, its plots and the golden files")

var root = filepath.Join("..", "..")

// TestDocument checks that the page and the figures in README.md match the published results. Without results, there
// must be neither.
func TestDocument(t *testing.T) {
	docs := filepath.Join(root, "docs")
	page, readme := filepath.Join(docs, "comparison.md"), filepath.Join(root, "README.md")
	r, err := loadResults(resultsIn(docs))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(page); err == nil || strings.Contains(read(t, readme), readmeBegin) {
			t.Error("there are no results, but a page or figures in README.md")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := r.write(docs); err != nil {
			t.Fatal(err)
		}
	}
	text, err := r.document()
	if err != nil {
		t.Fatal(err)
	}
	pagetest.Golden(t, *update, page, text)
	section, err := r.readme()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, readme), section) {
		t.Errorf("README.md doesn't contain these figures:\n%s", section)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fixed(t *testing.T) *Results {
	t.Helper()
	r, err := loadResults(filepath.Join("testdata", "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDocumentOfFixedResults covers members that drop iterations, store nothing, lose fights or can't be checked, and
// figures that are missing.
func TestDocumentOfFixedResults(t *testing.T) {
	r := fixed(t)
	text, err := r.document()
	if err != nil {
		t.Fatal(err)
	}
	pagetest.Golden(t, *update, filepath.Join("testdata", "comparison.md"), text)
	section, err := r.readme()
	if err != nil {
		t.Fatal(err)
	}
	pagetest.Golden(t, *update, filepath.Join("testdata", "readme.md"), section+"\n")
}

// TestWrite checks that the page, the plots and the results are written, that README.md gets its figures once, however
// often they are written, and that the results don't change when they are saved.
func TestWrite(t *testing.T) {
	r, folder := fixed(t), t.TempDir()
	docs, readme := filepath.Join(folder, "docs"), filepath.Join(folder, "README.md")
	const before = "# A\n\n" + readmePlace + "\n\nB\n"
	if err := os.WriteFile(readme, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.write(docs); err != nil {
			t.Fatal(err)
		}
		after := read(t, readme)
		start, rest, _ := strings.Cut(after, readmeBegin)
		_, end, _ := strings.Cut(rest, readmeEnd)
		if start+end != "# A\n\n"+readmePlace+"\n\n\n\nB\n" || strings.Count(after, "Ours, eco") != 1 {
			t.Errorf("README.md became:\n%s", after)
		}
	}
	for _, plot := range plots() {
		if text := read(t, filepath.Join(docs, "comparison", plot.Name+".svg")); !strings.Contains(text, "</svg>") {
			t.Errorf("%s.svg is %.80q", plot.Name, text)
		}
	}
	again, err := loadResults(resultsIn(docs))
	if diff := cmp.Diff(r, again); err != nil || diff != "" {
		t.Errorf("%v; the results changed when saved and loaded:\n%s", err, diff)
	}
	for _, text := range []string{"no mark", readmeBegin + " without an end"} {
		if got, err := readmeSection().Replace(text, "section"); err == nil {
			t.Errorf("%q became %q, want an error about the marks", text, got)
		}
	}
}

// TestEmptyResults checks that results without runs claim nothing.
func TestEmptyResults(t *testing.T) {
	r := fixed(t)
	for i := range r.Members {
		r.Members[i].Runs = nil
	}
	text, err := r.document()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, met+" |") || !strings.Contains(text, "6 targets: 0 met, 0 not met, 6 not measured") {
		t.Errorf("the page of results without runs is\n%s", text)
	}
	if err := r.draw(t.TempDir()); err != nil {
		t.Error(err)
	}
}
