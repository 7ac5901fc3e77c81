package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// testDocumentedChanges edits each catalog on its documentation page, as a user would. The test uses the token, and the
// values that the page fills in by default.
func testDocumentedChanges(browser context.Context, t *testing.T) {
	hosts := up(t, settings(t))
	for service, singular := range map[string]string{"heroes": "hero", "villains": "villain", "locations": "location"} {
		t.Run(service, func(t *testing.T) {
			page := newTab(browser, t)
			page.do(t, chromedp.Navigate("http://"+hosts[service]+"/docs"),
				chromedp.Click(chromedp.CSS("button.authorize")),
				chromedp.SendKeys(chromedp.CSS(".auth-container input"), token),
				chromedp.Click(chromedp.CSS(".auth-btn-wrapper button.authorize")),
				chromedp.Click(chromedp.CSS(".auth-btn-wrapper button.btn-done")))
			for _, change := range []struct{ verb, status string }{{"replace", "200"}, {"patch", "200"}, {"delete", "204"}, {"create", "201"}} {
				operation := chromedp.CSS("#operations-" + service + "-" + change.verb + "-" + singular + " ")
				page.do(t, chromedp.Click(operation+".opblock-summary-control"), chromedp.Click(operation+".try-out__btn"))
				if change.verb != "create" {
					id := operation + `tr[data-param-name="id"] input`
					page.do(t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).select()`, id)), chromedp.SendKeys(id, "1"))
				}
				page.do(t, chromedp.Click(operation+"button.execute"))
				status := page.text(t, operation+".live-responses-table tbody .response-col_status")
				if !strings.HasPrefix(status, change.status) {
					t.Errorf("%s returned %s, want %s: %s", change.verb, status, change.status, page.text(t, operation+".live-responses-table"))
				}
			}
			if response, err := http.Get("http://" + hosts[service] + "/api/" + service + "/1"); err != nil || response.StatusCode != http.StatusNotFound {
				t.Errorf("the deleted entry still exists: response %v, error %v", response, err)
			} else {
				_ = response.Body.Close()
			}
			page.checkQuiet(t, hosts[service])
		})
	}
}
