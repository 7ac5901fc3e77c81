package browser_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// summaries returns the summary of one operation for each service, as shown on the service's documentation pages.
func summaries() map[string]string {
	return map[string]string{
		"heroes":     "Pick a random hero",
		"villains":   "Pick a random villain",
		"locations":  "Pick a random location",
		"fights":     "Pick two random fighters and a location, let them fight, and store the fight",
		"statistics": "Get totals of all fights",
	}
}

func testDocumentation(browser context.Context, t *testing.T) {
	hosts := up(t, settings(t))
	for service, summary := range summaries() {
		for _, viewer := range []struct {
			path           string
			ready, content chromedp.CSS
		}{
			{"/docs", ".opblock-summary-description", "#swagger-ui"},
			{"/redoc", `[data-section-id*="operation/"] h2`, "#main"},
		} {
			t.Run(service+viewer.path, func(t *testing.T) {
				t.Parallel()
				page := open(browser, t, "http://"+hosts[service]+viewer.path)
				page.do(t, chromedp.WaitVisible(viewer.ready))
				text := page.text(t, viewer.content)
				for _, word := range []string{summary, "/healthz"} {
					if !strings.Contains(text, word) {
						t.Errorf("%q is missing from the page:\n%s", word, text)
					}
				}
				page.checkQuiet(t, hosts[service])
			})
		}
	}
}

// testTryItOut executes a fight with "Try it out" on the documentation page.
func testTryItOut(browser context.Context, t *testing.T) {
	hosts := up(t, settings(t))
	page := newTab(browser, t)
	const operation = chromedp.CSS("#operations-fights-execute-fight ")
	page.do(t, chromedp.Navigate("http://"+hosts["fights"]+"/docs"),
		chromedp.Click(operation+".opblock-summary-control"),
		chromedp.Click(operation+".try-out__btn"),
		chromedp.Click(operation+"button.execute"))
	status := page.text(t, operation+".live-responses-table tbody .response-col_status")
	answer := page.text(t, operation+".live-responses-table .highlight-code code")
	if !strings.HasPrefix(status, "200") {
		t.Errorf("status %q, want 200", status)
	}
	var fight struct {
		ID         string
		WinnerName string `json:"winner_name"`
	}
	if err := json.Unmarshal([]byte(answer), &fight); err != nil {
		t.Fatalf("parsing the displayed response: %v: %q", err, answer)
	}
	if fight.ID == "" || fight.WinnerName == "" {
		t.Errorf("the displayed response is not a complete fight: %s", answer)
	}
	page.checkQuiet(t, hosts["fights"])
}

// testOutside checks that the tests detect a page that sends a request to another host.
func testOutside(browser context.Context, t *testing.T) {
	page := newTab(browser, t)
	const html = `data:text/html,<script>fetch("http://superheroes.invalid/").catch(() => document.write("<p id=done>done</p>"))</script>`
	page.do(t, chromedp.Navigate(html), chromedp.WaitVisible(chromedp.CSS("#done")))
	page.mu.Lock()
	defer page.mu.Unlock()
	if !slices.Contains(page.requests, "http://superheroes.invalid/") || len(page.complaints) == 0 {
		t.Errorf("requests %q, complaints %q", page.requests, page.complaints)
	}
}
