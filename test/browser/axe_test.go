package browser_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// axe returns the script that knows the rules of accessibility. npm installs it, at the version that package-lock.json
// pins by its hash.
func axe(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("axe-core comes from npm, which is not installed")
	}
	folder := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = folder
	if output, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm can't install axe-core: %v: %s", err, output)
	}
	script, err := os.ReadFile(filepath.Join(folder, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

type violation struct {
	ID, Help string
	Nodes    []struct {
		HTML           string
		FailureSummary string
	}
}

// checkAccessible wants no rule of axe broken on the page as it is.
func (p *tab) checkAccessible(t *testing.T, script string) {
	t.Helper()
	p.do(t, chromedp.Evaluate[chromedp.Void](script+"; undefined"))
	const ask = `axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations)`
	violations, err := chromedp.Run(p, chromedp.Evaluate[[]violation](ask, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("asking axe: %v", err)
	}
	for _, v := range violations {
		var where []string
		for _, node := range v.Nodes {
			where = append(where, node.HTML+"\n    "+strings.ReplaceAll(node.FailureSummary, "\n", "\n    "))
		}
		t.Errorf("axe: %s: %s\n  %s", v.ID, v.Help, strings.Join(where, "\n  "))
	}
}
