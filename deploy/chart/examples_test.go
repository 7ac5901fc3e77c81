package chart

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestExamples checks that the first line of each example says how far it was tried, and that each custom resource whose
// definition is in tools/schemas conforms to it.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	known := t.TempDir()
	for _, file := range files {
		text := read(t, file)
		if !regexp.MustCompile(`^# (Run here|Schema only): .+\n`).MatchString(text) {
			t.Errorf("the first line of %s doesn't say whether the example was run", file)
		}
		if regexp.MustCompile(`(?m)^apiVersion: (chaos-mesh\.org|cert-manager\.io|gateway\.networking\.k8s\.io)/`).MatchString(text) {
			if err := os.WriteFile(filepath.Join(known, filepath.Base(file)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	conform(t, known)
}
