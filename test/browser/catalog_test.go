package browser_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"superheroes/internal/app"
)

func testCatalog(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := open(browser, t, w.page+"/heroes")
	page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
	page.wait(t, picturesAreThere)
	const shows = `document.getElementById("found").textContent + "; " + document.getElementById("page").textContent === `
	page.wait(t, shows+`"120 heroes; Page 1 of 5"`)
	page.click(t, "#next")
	page.wait(t, shows+`"120 heroes; Page 2 of 5" && document.querySelector("#entries a").hash === "#25"`)
	page.do(t, chromedp.Reload())
	page.wait(t, shows+`"120 heroes; Page 2 of 5" && document.querySelector("#entries a").hash === "#25"`)
	page.click(t, "#next")
	page.wait(t, shows+`"120 heroes; Page 3 of 5"`)
	page.do(t, chromedp.Navigate(w.page+"/heroes?after=96"))
	page.wait(t, shows+`"120 heroes; Page 5 of 5" && document.getElementById("next").disabled`)
	page.click(t, "#previous")
	page.wait(t, shows+`"120 heroes; Page 1 of 5" && document.querySelector("#entries a").hash === "#1"`)
	page.do(t, chromedp.SendKeys(chromedp.CSS("#name"), "yoda"))
	page.wait(t, `document.querySelectorAll("#entries li").length === 1 && document.querySelector(".entry-name").textContent === "Yoda" && location.search === "?name=yoda"`)
	page.wait(t, shows+`"1 hero with “yoda” in the name; Page 1"`)
	page.click(t, "#entries a")
	page.wait(t, `document.querySelector("dialog[open] .chips") && location.hash === "#1"`)
	if eval[bool](t, page, `Boolean(document.querySelector("dialog .danger"))`) {
		t.Error("the delete button is shown without a token")
	}
	page.wait(t, picturesAreThere)
	page.click(t, ".close")

	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
	for _, other := range []string{"villains", "locations"} {
		page.do(t, chromedp.Navigate(w.page+"/"+other))
		page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
		page.wait(t, picturesAreThere)
	}
}

// testMadeUp opens generated entries, which have no pictures of their own, and checks that the page draws a picture for
// each entry.
func testMadeUp(browser context.Context, t *testing.T) {
	cfg := settings(t)
	if err := app.Seed(t.Context(), "heroes", app.CatalogStore{DataDir: cfg.DataDir}, app.SeedOptions{Count: 30, Replace: true, Taken: func() {}}); err != nil {
		t.Fatal(err)
	}
	w := startWorld(t, cfg)
	page := newTab(browser, t)
	page.look(t, 1360, "dark", "no-preference")
	page.do(t, chromedp.Navigate(w.page+"/heroes"))
	page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
	page.wait(t, `document.querySelectorAll("#entries img").length === 24 && `+picturesAreThere)
	page.click(t, "#entries a")
	page.wait(t, `document.querySelector("dialog[open] .whole img") && `+picturesAreThere)
	if name := page.text(t, "#detail-title"); name == "" {
		t.Error("the entry has no name")
	}
	if fact := page.text(t, "dialog .id"); strings.Contains(fact, "picture") {
		t.Errorf("the entry has a picture of its own: %s", fact)
	}
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}
