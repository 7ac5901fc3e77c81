// Package chart tests the Helm chart, the kustomizations that are rendered from it, and the examples for clusters.
package chart

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files")

// chartFolder contains the chart.
const chartFolder = "superheroes"

// tool returns the path of a program. If it hasn't been built, the test is skipped, or fails under `make chart-test`.
func tool(t *testing.T, name string) string {
	t.Helper()
	folder, required := os.LookupEnv("TEST_CHART_TOOLS")
	if !required {
		folder = filepath.Join("..", "..", "build")
	}
	path, err := filepath.Abs(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if required {
			t.Fatal(err)
		}
		t.Skipf("needs %s, which `make chart-tools` builds", name)
	}
	return path
}

// run runs a program, with a text as its standard input, and returns its output and, if it failed, its error message.
func run(t *testing.T, input, program string, args ...string) (output, failure string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	var stdout, stderr strings.Builder
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := command.Run(); err != nil {
		failure = err.Error() + ": " + stderr.String() + stdout.String()
	}
	return stdout.String(), failure
}

// render renders the chart, as the release superheroes, with the values, which are YAML.
func render(t *testing.T, values string, args ...string) (output, failure string) {
	t.Helper()
	args = append([]string{"template", "superheroes", chartFolder, "--namespace", "heroes", "--values", "-"}, args...)
	return run(t, values, tool(t, "helm"), args...)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// golden compares a generated file with what it should contain, or writes it.
func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path); got != want {
		t.Errorf("%s is out of date; run go test -C deploy ./chart -update\n%s", path, diff(want, got))
	}
}
