package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"superheroes/internal/app"
)

const (
	editButton = chromedp.CSS("dialog .controls button:not(.danger)")
	submit     = chromedp.CSS("dialog button[type=submit]")
)

// catalogPage opens a catalog's page and enters the given token, which must be the right one.
func (w *world) catalogPage(browser context.Context, t *testing.T, catalog, token string) *tab {
	t.Helper()
	page := open(browser, t, w.page+"/"+catalog)
	page.wait(t, `document.querySelectorAll("#entries li").length > 0`)
	page.useToken(t, token)
	return page
}

func (p *tab) useToken(t *testing.T, token string) {
	t.Helper()
	p.do(t, chromedp.Click(chromedp.CSS("#token summary")), chromedp.SendKeys(chromedp.CSS("#token-text"), token), chromedp.Click(chromedp.CSS("#token-use")))
	p.wait(t, fmt.Sprintf(`document.getElementById("token-state").textContent === "on" && sessionStorage.getItem("arena.token") === %q`, token))
	p.complains(t, "422 (Unprocessable Entity)") // the request that checks the token changes nothing, because its id is refused
}

// fill replaces the value of a form field.
func (p *tab) fill(t *testing.T, field, text string) {
	t.Helper()
	p.do(t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById("field-%s").value = ""`, field)), chromedp.SendKeys(chromedp.CSS("#field-"+field), text))
}

// titled waits until the dialog has the given title.
func (p *tab) titled(t *testing.T, title string) {
	t.Helper()
	p.wait(t, fmt.Sprintf(`document.getElementById("detail-title")?.textContent === %q`, title))
}

// notice waits until the dialog displays the given error message.
func (p *tab) notice(t *testing.T, text string) {
	t.Helper()
	p.wait(t, fmt.Sprintf(`document.querySelector("dialog .notice[role=alert]")?.textContent.includes(%q)`, text))
}

// refused waits until a form field has focus and displays the given error message.
func (p *tab) refused(t *testing.T, field, text string) {
	t.Helper()
	p.wait(t, fmt.Sprintf(`document.getElementById("field-%[1]s-error").textContent === %[2]q && document.activeElement.id === "field-%[1]s"`, field, text))
}

// listed returns the catalog's entries that have the given name.
func (w *world) listed(t *testing.T, catalog, name string) []map[string]any {
	t.Helper()
	return fetchJSON[[]map[string]any](t, "http://"+w.hosts[catalog]+"/api/"+catalog+"?name="+name)
}

// testEdit creates, changes and deletes a hero.
func testEdit(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := w.catalogPage(browser, t, "heroes", token)
	page.click(t, "#create")
	page.fill(t, "name", "Gopher")
	page.fill(t, "level", "42")
	page.fill(t, "powers", "Burrowing, Garbage Collection")
	page.click(t, submit)
	page.titled(t, "Gopher")
	created := w.listed(t, "heroes", "Gopher")
	if len(created) != 1 || created[0]["level"] != 42.0 || created[0]["powers"] != "Burrowing, Garbage Collection" {
		t.Errorf("stored is %v", created)
	}
	page.wait(t, fmt.Sprintf(`location.hash === "#%v" && %s`, created[0]["id"], picturesAreThere))

	before := page.picture(t, "dialog .whole img")
	page.click(t, editButton)
	page.fill(t, "name", "Zealous Gopher")
	page.fill(t, "powers", "Fire")
	page.click(t, submit)
	page.titled(t, "Zealous Gopher")
	page.wait(t, picturesAreThere)
	if page.picture(t, "dialog .whole img") == before {
		t.Error("the picture was not updated")
	}
	if changed := w.listed(t, "heroes", "Gopher"); len(changed) != 1 || changed[0]["name"] != "Zealous Gopher" || changed[0]["level"] != 42.0 {
		t.Errorf("stored is %v", changed)
	}

	page.do(t, chromedp.Click(chromedp.CSS("dialog .danger")), chromedp.Click(chromedp.CSS("#delete-yes")))
	page.wait(t, `!document.querySelector("dialog[open]")`)
	if left := w.listed(t, "heroes", "Gopher"); len(left) != 0 {
		t.Errorf("stored is %v", left)
	}
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))

	other := open(browser, t, w.page+"/heroes")
	other.wait(t, `document.querySelectorAll("#entries li").length === 24`)
	if eval[string](t, other, `document.getElementById("token-state").textContent`) != "off" {
		t.Error("a new tab already has the token")
	}
}

// picture returns the pixels of an image, scaled down, so that two images can be compared.
func (p *tab) picture(t *testing.T, image string) string {
	t.Helper()
	return eval[string](t, p, fmt.Sprintf(`(() => {
		const canvas = document.createElement("canvas").getContext("2d");
		canvas.drawImage(document.querySelector(%q), 0, 0, 64, 64);
		return canvas.getImageData(0, 0, 64, 64).data.join();
	})()`, image))
}

// testEditLocation tries to create a location with a name that is already taken.
func testEditLocation(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := w.catalogPage(browser, t, "locations", token)
	page.click(t, "#create")
	page.fill(t, "name", "Gotham City")
	page.fill(t, "description", "Another one.")
	page.click(t, submit)
	page.refused(t, "name", "This is the name of another location.")
	page.fill(t, "name", "Gopherville")
	page.do(t, chromedp.Evaluate[chromedp.Void](`document.getElementById("field-type").value = "ISLAND"`))
	page.click(t, submit)
	page.titled(t, "Gopherville")
	if made := w.listed(t, "locations", "Gopherville"); len(made) != 1 || made[0]["type"] != "ISLAND" || made[0]["description"] != "Another one." {
		t.Errorf("stored is %v", made)
	}
	page.wait(t, picturesAreThere)
}

// testEditedMeanwhile tries to change and to delete a hero that another user has just changed.
func testEditedMeanwhile(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := w.catalogPage(browser, t, "heroes", token)
	page.click(t, "#entries a")
	page.titled(t, "Yoda")
	page.click(t, editButton)
	page.fill(t, "otherName", "Mine")
	w.change(t, http.MethodPatch, "heroes", "/api/heroes/1", `{"otherName":"Theirs"}`)
	page.click(t, submit)
	page.notice(t, "Someone else has changed it in the meantime. Nothing was saved.")
	page.click(t, "dialog .notice button")
	page.wait(t, `document.querySelector("dialog .alias")?.textContent === "Theirs"`)

	page.click(t, "dialog .danger")
	w.change(t, http.MethodPatch, "heroes", "/api/heroes/1", `{"otherName":"Theirs again"}`)
	page.click(t, "#delete-yes")
	page.notice(t, "Someone else has changed it in the meantime. Nothing was deleted.")
	page.click(t, "dialog .notice button")
	page.wait(t, `document.querySelector("dialog .alias")?.textContent === "Theirs again"`)

	page.click(t, editButton)
	page.fill(t, "otherName", "Mine")
	page.click(t, submit)
	page.wait(t, `document.querySelector("dialog .alias")?.textContent === "Mine"`)
	if yoda := w.listed(t, "heroes", "Yoda"); len(yoda) != 1 || yoda[0]["otherName"] != "Mine" {
		t.Errorf("stored is %v", yoda)
	}

	page.click(t, editButton)
	w.change(t, http.MethodDelete, "heroes", "/api/heroes/1", "")
	page.click(t, submit)
	page.notice(t, "heroes: there is no hero with this id")
}

// testEditRefused checks that an error message appears next to the field that contains a rejected value, and that a token
// that has become wrong is reported.
func testEditRefused(browser context.Context, t *testing.T) {
	cfg := settings(t)
	w := startWorld(t, cfg)
	page := w.catalogPage(browser, t, "heroes", token)
	page.do(t, chromedp.Evaluate[chromedp.Void](`sessionStorage.setItem("arena.token", "the token before it was changed")`))
	page.click(t, "#create")
	page.fill(t, "name", "Gopher")
	page.click(t, submit)
	page.notice(t, "heroes rejects this token. Enter the correct one under Editing.")
	page.click(t, ".close")
	page.wait(t, `document.activeElement.id === "create"`) // otherwise the focus would move there while the token is typed

	page.useToken(t, token)
	page.do(t, chromedp.Click(chromedp.CSS("#create")), chromedp.Click(submit))
	page.refused(t, "name", "This is missing or empty.")
	page.fill(t, "name", "Gopher")
	page.fill(t, "level", "a lot")
	page.click(t, submit)
	page.refused(t, "level", "This must be an integer from 0 to 2147483647.")
	page.fill(t, "level", "-1")
	page.fill(t, "otherName", strings.Repeat("o", 256))
	page.click(t, submit)
	page.refused(t, "otherName", "This must have 0 to 255 characters, not 256.")
	page.wait(t, `document.getElementById("field-level-error").textContent === "This must be from 0 to 2147483647." && !document.querySelector("dialog .notice")`)
	if made := w.listed(t, "heroes", "Gopher"); len(made) != 0 {
		t.Errorf("stored is %v", made)
	}
}

// testDeleted deletes one of two heroes and checks that only the other one is picked afterwards.
func testDeleted(browser context.Context, t *testing.T) {
	cfg := settings(t)
	importHeroes(t, cfg.DataDir, app.ImportOptions{Replace: true}, "Left", "Gone")
	w := startWorld(t, cfg)
	battle := open(browser, t, w.page)
	draw := func() string {
		t.Helper()
		battle.click(t, "#new-fighters")
		battle.wait(t, `!document.getElementById("new-fighters").hasAttribute("aria-disabled")`)
		return eval[string](t, battle, `document.querySelector("#hero h2").textContent`)
	}
	battle.wait(t, fightersAreThere)
	for draw() != "Gone" { // wait until the hero that will be deleted has been picked
		continue
	}
	page := w.catalogPage(browser, t, "heroes", token)
	page.click(t, "#entries li:last-child a")
	page.titled(t, "Gone")
	page.do(t, chromedp.Click(chromedp.CSS("dialog .danger")), chromedp.Click(chromedp.CSS("#delete-yes")))
	page.wait(t, `!document.querySelector("dialog[open]") && document.querySelectorAll("#entries li").length === 1`)
	for range 20 {
		if drawn := draw(); drawn != "Left" {
			t.Fatalf("%s was picked after it was deleted", drawn)
		}
	}
}
