package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// wait waits until a JavaScript expression in the page is true.
func (p *tab) wait(t *testing.T, expression string) {
	t.Helper()
	for {
		so, err := chromedp.Run(p, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && so {
			return
		}
		select {
		case <-p.Done():
			seen, _ := chromedp.Run(context.WithoutCancel(p), chromedp.Evaluate[string](`location.href + " " + document.activeElement.outerHTML.slice(0, 80) + "\n" + document.body.innerText`))
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Fatalf("it never came true: %s (%v); complaints %q; the page shows\n%s", expression, err, p.complaints, seen)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// eval returns the value of a JavaScript expression in the page.
func eval[T any](t *testing.T, p *tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(p, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// look sets the window width and the user's preferences: color scheme and reduced motion.
func (p *tab) look(t *testing.T, width int64, scheme, motion string) {
	t.Helper()
	p.do(t, chromedp.EmulateViewport(width, 900))
	call(t, p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
}

// call sends a browser command for which chromedp has no action.
func call[P, R any](t *testing.T, p *tab, command cdp.Command[P, R], params P) {
	t.Helper()
	p.do(t, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, command, params)
		return err
	}))
}

// hurried instruments the pages that the tab loads from now on. To keep the test short, timers run ten times as fast.
// The pages also count their requests in flight.
func (p *tab) hurried(t *testing.T) {
	t.Helper()
	const script = `{
		const later = window.setTimeout, ask = window.fetch;
		window.setTimeout = (task, ms = 0, ...rest) => later(task, ms / 10, ...rest);
		window.underway = 0;
		window.fetch = (...args) => { window.underway++; return ask(...args).finally(() => { window.underway--; }); };
	}`
	call(t, p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// click clicks an element with the mouse. If the page replaces the element between finding and clicking it, click tries
// again with the new one.
func (p *tab) click(t *testing.T, element chromedp.CSS) {
	t.Helper()
	for {
		_, err := chromedp.Run(p, chromedp.Click(element))
		if err == nil {
			return
		}
		if p.Err() != nil || !strings.Contains(err.Error(), "Could not find node") {
			t.Fatalf("clicking %s: %v", element, err)
		}
	}
}

// shot saves a screenshot of the page to the folder named by TEST_SCREENSHOTS, if that variable is set.
func (p *tab) shot(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(p, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// press sends keys to the focused element.
func (p *tab) press(t *testing.T, keys string) {
	t.Helper()
	p.do(t, chromedp.KeyEvent(keys))
}

// tabTo presses the Tab key until the element is focused.
func (p *tab) tabTo(t *testing.T, selector string) {
	t.Helper()
	for range 60 {
		p.press(t, kb.Tab)
		if eval[bool](t, p, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
	}
	t.Fatalf("Tab never reaches %s", selector)
}

const (
	fightersAreThere = `document.querySelector("#hero h2") && document.querySelector("#villain h2") && document.querySelector("#place h2")`
	picturesAreThere = `[...document.images].every(image => image.complete && image.naturalWidth > 0)`
	somebodyWon      = `/won$/.test(document.getElementById("stage").dataset.state)`
	liveIsLive       = `document.getElementById("link").dataset.link === "live"`
)
