package actionlint_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

var (
	workflows = filepath.Join("..", "..", ".github", "workflows", "*.yml")
	used      = regexp.MustCompile(`(?m)^ *(?:- )?uses: (.*)$`)
	pinned    = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$|^\./`)
)

// TestWorkflows checks what actionlint doesn't: every action is pinned by its full commit hash, with the version in a
// comment; every job declares its own permissions, and the workflow itself grants none; every job has a timeout.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(workflows)
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflow found: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range faults(t, text) {
				t.Error(fault)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	const good = `
on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789 # v1.2.3
  two:
    uses: ./.github/workflows/other.yml
    permissions:
      contents: read
`
	for name, c := range map[string]struct{ old, new string }{
		"a tag":                     {"@0123456789012345678901234567890123456789 # v1.2.3", "@v1.2.3"},
		"a short commit":            {"0123456789012345678901234567890123456789", "0123456"},
		"no version":                {" # v1.2.3", ""},
		"write-all":                 {"permissions: {}", "permissions: write-all"},
		"no permissions":            {"permissions: {}\n", ""},
		"a job without permissions": {"    permissions:\n      contents: read\n    steps", "    steps"},
		"a job without a timeout":   {"    timeout-minutes: 5\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, c.old, c.new, 1)
			if bad == good {
				t.Fatal("the replacement changes nothing")
			}
			if len(faults(t, []byte(bad))) != 1 {
				t.Errorf("got faults %q, want exactly one", faults(t, []byte(bad)))
			}
		})
	}
	if found := faults(t, []byte(good)); found != nil {
		t.Errorf("got faults in a valid workflow: %q", found)
	}
}

// faults returns the faults in a workflow that actionlint can parse.
func faults(t *testing.T, text []byte) []string {
	t.Helper()
	workflow, errs := actionlint.Parse(text)
	if len(errs) > 0 {
		t.Fatalf("actionlint can't parse the workflow: %v", errs)
	}
	var found []string
	if rights := workflow.Permissions; rights == nil || rights.All != nil || len(rights.Scopes) > 0 {
		found = append(found, "the workflow grants permissions to all its jobs")
	}
	for name, job := range workflow.Jobs {
		if job.Permissions == nil || job.Permissions.All != nil {
			found = append(found, name+" does not declare its permissions")
		}
		if job.WorkflowCall == nil && job.TimeoutMinutes == nil {
			found = append(found, name+" has no timeout")
		}
	}
	for _, match := range used.FindAllSubmatch(text, -1) {
		if !pinned.Match(match[1]) {
			found = append(found, string(match[1])+" is not pinned by commit and version")
		}
	}
	return found
}
