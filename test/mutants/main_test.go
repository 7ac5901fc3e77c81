package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestMutantsApply checks that each fault still applies to the code, and that the corresponding test exists.
func TestMutantsApply(t *testing.T) {
	const least = 40
	all := mutants()
	if len(all) < least {
		t.Errorf("the list has %d faults, want at least %d", len(all), least)
	}
	names := map[string]bool{}
	for _, m := range all {
		if names[m.name] {
			t.Errorf("duplicate name %q", m.name)
		}
		names[m.name] = true
		text, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.apply(string(text)); err != nil {
			t.Error(err)
		}
		if function := regexp.MustCompile(`Test\w+`).FindString(m.run); !declares(t, m.test, function) {
			t.Errorf("%s: %s has no test %s", m.name, m.test, function)
		}
	}
}

// declares reports whether a package declares the named test.
func declares(t *testing.T, folder, function string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^func ` + function + `\(`).Match(text) {
			return true
		}
	}
	return false
}
