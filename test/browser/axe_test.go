package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// axe returns the source code of axe-core, which npm installs with the version and hash pinned in package-lock.json.
func axe(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("needs npm, to install axe-core")
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

// The two sets of axe rules that the tests use. The dark palette differs from the light one only in its colours, so
// each page is checked against all rules in one palette, and against only the colour rules in the other.
const (
	allRules     = `{resultTypes: ["violations"]}`
	rulesOfColor = `{resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}}`
)

// checkAccessible checks that the page in its current state violates none of the rules of axe, an accessibility
// checker.
func (p *tab) checkAccessible(t *testing.T, rules string) {
	t.Helper()
	ask := fmt.Sprintf(`axe.run(document, %s).then(found => found.violations)`, rules)
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

// testAccessible checks every page in both palettes, in a wide and a narrow window, with all sections expanded.
func testAccessible(browser context.Context, t *testing.T) {
	script := axe(t)
	cfg := settings(t)
	cfg.AdminAddr = "127.0.0.1:0"
	w := startWorld(t, cfg)
	for range 3 {
		w.fight(t)
	}
	for _, screen := range []struct {
		name, path, ready string
		then              func(page *tab) // steps executed before the check
	}{
		{"battle", "/", shows(3) + "&&" + fightersAreThere, func(page *tab) {
			page.click(t, "#fight")
			page.wait(t, somebodyWon)
			page.wait(t, shows(4))
			page.wait(t, picturesAreThere)
		}},
		{"choose", "/", fightersAreThere, func(page *tab) {
			page.click(t, "#choose-hero")
			page.wait(t, `document.querySelectorAll("dialog[open] .entry").length === 24 && `+picturesAreThere)
		}},
		{"fight", "/#fight-" + w.fights(t)[0].ID, `document.querySelector("dialog[open] code")`, nil},
		{"heroes", "/heroes", `document.querySelectorAll("#entries li").length > 0`, nil},
		{"hero", "/heroes#1", `document.querySelector("dialog[open] .chips")`, nil},
		{"villains", "/villains?after=24", `document.querySelectorAll("#entries li").length > 0`, nil},
		{"edit", "/locations", `document.querySelectorAll("#entries li").length > 0`, func(page *tab) {
			page.useToken(t, token)
			page.click(t, "#create")
			page.click(t, submit)
			page.refused(t, "name", "This is missing or empty.")
		}},
		{"a refused token", "/heroes", `document.querySelectorAll("#entries li").length > 0`, func(page *tab) { page.tryToken(t, "wrong", "heroes rejects this token.") }},
		{"API", "/docs", `document.querySelectorAll(".services a").length === 5`, nil},
		{"unknown page", "/nope", `document.querySelectorAll(".services a").length === 6`, nil},
		{"an error", "/locations", `document.querySelector(".notice")`, nil},
		{"status", "/status", `document.getElementById("summary").textContent === "All services are ready" && document.querySelector("#service-fights dd").textContent`, nil},
	} {
		t.Run(screen.name, func(t *testing.T) {
			if screen.name == "an error" {
				w.parts["locations"].Stop()
				defer w.parts["locations"].Start(t)
			}
			page := open(browser, t, w.page+screen.path)
			page.wait(t, screen.ready)
			if screen.then != nil {
				screen.then(page)
			}
			page.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(details => { details.open = true })`),
				chromedp.Evaluate[chromedp.Void](script+"; undefined"))
			for _, width := range []int64{1360, 360} {
				for scheme, rules := range map[string]string{"light": allRules, "dark": rulesOfColor} {
					page.look(t, width, scheme, "reduce")
					page.checkAccessible(t, rules)
					if wide := eval[int64](t, page, "document.documentElement.scrollWidth"); wide > width {
						t.Errorf("the page is %d pixels wide in a %d-pixel window", wide, width)
					}
				}
			}
		})
	}
}
