package performance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/bench/page/pagetest"
)

// TestDocuments checks that the documents match what is generated from the published results, the template and the
// notes, so that manual edits are detected.
func TestDocuments(t *testing.T) {
	docs := filepath.Join(module, "docs")
	r, err := load(filepath.Join(docs, "performance", "results.json"))
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
	pagetest.Golden(t, *update, filepath.Join(docs, "performance.md"), text)
	readme, err := os.ReadFile(filepath.Join(module, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	figures, err := r.readme()
	if err != nil {
		t.Fatal(err)
	}
	changed, err := readmeSection().Replace(string(readme), figures)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(readme), changed); diff != "" {
		t.Errorf("the figures in README.md don't match the results (-file +generated):\n%s", diff)
	}
}

// TestDocumentsOfFixedResults covers the formatting, including void and missing results.
func TestDocumentsOfFixedResults(t *testing.T) {
	r, err := load(filepath.Join("testdata", "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.document()
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(text, "## Where the time goes") // without the notes, which describe the published run
	_, after, _ := strings.Cut(rest, "## Machine and versions")
	pagetest.Golden(t, *update, filepath.Join("testdata", "performance.md"), before+"## Machine and versions"+after)
	figures, err := r.readme()
	if err != nil {
		t.Fatal(err)
	}
	pagetest.Golden(t, *update, filepath.Join("testdata", "readme.md"), figures+"\n")
}

func TestWrite(t *testing.T) {
	r, err := load(filepath.Join("testdata", "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	readme := filepath.Join(folder, "README.md")
	const before = "# A\n\n" + readmeBegin + "\nold\n" + readmeEnd + "\n\nB\n"
	if err := os.WriteFile(readme, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.write(filepath.Join(folder, "docs")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"performance.md", "performance/results.json", "performance/cost.svg", "performance/connections.svg", "performance/sizes.svg", "performance/rates.svg"} {
		if text := contentOf(filepath.Join(folder, "docs", name)); text == "" || strings.HasSuffix(name, ".svg") && !strings.Contains(text, "</svg>") {
			t.Errorf("%s is %.80q", name, text)
		}
	}
	after := contentOf(readme)
	if !strings.HasPrefix(after, "# A\n\n"+readmeBegin) || !strings.HasSuffix(after, readmeEnd+"\n\nB\n") || strings.Contains(after, "old") {
		t.Errorf("README.md became:\n%s", after)
	}
	again, err := load(filepath.Join(folder, "docs", "performance", "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("the results changed when saved and loaded:\n%s", diff)
	}
}

func TestEmptyResults(t *testing.T) {
	r := &Results{}
	text, err := r.document()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, string(met)+" |") {
		t.Errorf("the document generated without results contains NaN or a target that is met:\n%s", text)
	}
	if err := r.draw(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestInvalidMarks(t *testing.T) {
	for _, text := range []string{"a\nb\n", readmeBegin + "\nb\n", readmeBegin + readmeEnd + readmeBegin + readmeEnd, readmeEnd + readmeBegin} {
		if got, err := readmeSection().Replace(text, "new"); err == nil {
			t.Errorf("replacing the section in %q returned %q, want an error about the marks", text, got)
		}
	}
}
