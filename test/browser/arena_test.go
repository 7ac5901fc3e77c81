package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// wait waits until an expression of the page is true.
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
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// eval returns the value of an expression of the page.
func eval[T any](t *testing.T, p *tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(p, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// look sets how wide the window is and which palette its user prefers, and whether motion is reduced.
func (p *tab) look(t *testing.T, width int64, scheme, motion string) {
	t.Helper()
	p.do(t, chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
		}})
		return err
	}))
}

// shot keeps a screenshot of the whole page: in the folder that is asked for, or in build.
func (p *tab) shot(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv(screenshots)
	if folder == "" {
		folder = filepath.Join("..", "..", "build", "screenshots")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	page := chromedp.FullScreenshot(100)
	if eval[bool](t, p, `scrollTo(0, 0), Boolean(document.querySelector("dialog[open]"))`) {
		page = chromedp.CaptureScreenshot() // what lies below the window isn't dimmed
	}
	png, err := chromedp.Run(p, page)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// press sends keys to what has the focus.
func (p *tab) press(t *testing.T, keys string) {
	t.Helper()
	p.do(t, chromedp.KeyEvent(keys))
}

// tabTo presses Tab until that element has the focus.
func (p *tab) tabTo(t *testing.T, selector string) {
	t.Helper()
	for range 60 {
		p.press(t, kb.Tab)
		if eval[bool](t, p, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
	}
	t.Fatalf("Tab never gets to %s", selector)
}

// fight has a fight fought by somebody else, and returns it.
func (w *world) fight(t *testing.T) fought {
	t.Helper()
	return fetchJSON[fought](t, "http://"+w.hosts["fights"]+"/api/fights/execute_fight")
}

// fights returns the last fights that are stored, newest first.
func (w *world) fights(t *testing.T) []fought {
	t.Helper()
	return fetchJSON[[]fought](t, "http://"+w.hosts["fights"]+"/api/fights?limit=100")
}

type fought struct {
	ID     string
	Winner string `json:"winner_name"`
	Loser  string `json:"loser_name"`
}

func fetchJSON[T any](t *testing.T, url string) T {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var value T
	if err := json.NewDecoder(response.Body).Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

const (
	fightersAreThere = `document.querySelector("#hero h2") && document.querySelector("#villain h2") && document.querySelector("#place h2")`
	picturesAreThere = `[...document.images].every(image => image.complete && image.naturalWidth > 0)`
	somebodyWon      = `/won$/.test(document.getElementById("stage").dataset.state)`
	liveIsLive       = `document.getElementById("link").dataset.link === "live"`
)

func TestArenaBattle(t *testing.T) {
	browser, w := start(t), startWorld(t)
	host := strings.TrimPrefix(w.page, "http://")
	t.Run("by mouse", func(t *testing.T) {
		page := newTab(browser, t)
		page.look(t, 1360, "light", "no-preference")
		page.do(t, chromedp.Navigate(w.page))
		page.wait(t, fightersAreThere)
		page.wait(t, liveIsLive)
		page.wait(t, picturesAreThere)
		page.shot(t, "battle-first")
		before := eval[string](t, page, `document.querySelector(".ring").innerText`)
		page.do(t, chromedp.Click(chromedp.CSS("#new-fighters")))
		page.wait(t, fmt.Sprintf(`document.querySelector(".ring").innerText !== %q`, before))
		before = eval[string](t, page, `document.getElementById("place").innerText`)
		for eval[string](t, page, `document.getElementById("place").innerText`) == before { // one in sixty is the same again
			page.do(t, chromedp.Click(chromedp.CSS("#new-place")))
			page.wait(t, `!document.getElementById("new-place").hasAttribute("aria-disabled")`)
		}
		page.do(t, chromedp.Click(chromedp.CSS("#fight")))
		checkFought(t, page, w, 1)
		page.wait(t, `document.getElementById("total").textContent === "1"`)
		page.wait(t, picturesAreThere)
		page.wait(t, `document.getAnimations().every(animation => animation.playState === "finished")`)
		page.shot(t, "battle-won")
		page.checkQuiet(t, host)
	})
	t.Run("by keyboard", func(t *testing.T) {
		page := newTab(browser, t)
		page.look(t, 1360, "dark", "reduce")
		page.do(t, chromedp.Navigate(w.page))
		page.wait(t, fightersAreThere)
		page.tabTo(t, ".skip")
		page.tabTo(t, "#new-fighters")
		page.press(t, kb.Enter)
		page.tabTo(t, "#fight")
		page.press(t, kb.Enter)
		checkFought(t, page, w, 2)
		if !eval[bool](t, page, `document.activeElement.id === "fight"`) {
			t.Error("the focus left the button that was pressed")
		}
		if running := eval[int](t, page, `document.getAnimations().length`); running != 0 {
			t.Errorf("%d animations run although motion is reduced", running)
		}
		page.tabTo(t, "#fights a")
		page.press(t, kb.Enter)
		page.wait(t, `document.querySelector("dialog[open] code")`)
		page.wait(t, picturesAreThere)
		page.shot(t, "fight-in-full")
		page.press(t, kb.Escape)
		page.wait(t, `!document.querySelector("dialog[open]") && document.activeElement.matches("#fights a") && location.hash === ""`)
		page.checkQuiet(t, host)
	})
}

// checkFought wants the page to announce the winner of the newest fight in the store, which is the only new one.
func checkFought(t *testing.T, page *tab, w *world, stored int) {
	t.Helper()
	page.wait(t, somebodyWon)
	fights := w.fights(t)
	if len(fights) != stored {
		t.Fatalf("%d fights are stored, want %d", len(fights), stored)
	}
	if said := eval[string](t, page, `document.getElementById("call").textContent`); said != fights[0].Winner+" wins!" {
		t.Errorf("the page says %q, the store that %s won", said, fights[0].Winner)
	}
	page.wait(t, fmt.Sprintf(`document.querySelector("#fights li").id === "row-%s"`, fights[0].ID))
	if winner := eval[string](t, page, `document.querySelector("#stage[data-state=hero-won] #hero h2, #stage[data-state=villain-won] #villain h2").textContent`); winner != fights[0].Winner {
		t.Errorf("%s is shown as the winner, want %s", winner, fights[0].Winner)
	}
}

// TestArenaInOneProcess fights in the arena that up has in its own process. What doesn't run there is told where it
// would be shown, and all else works.
func TestArenaInOneProcess(t *testing.T) {
	browser, hosts := start(t), up(t)
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate("http://"+hosts["arena"]))
	page.wait(t, fightersAreThere)
	page.wait(t, `document.querySelector("#live-notice [role=alert]").textContent.includes("statistics does not run here")`)
	page.wait(t, `document.getElementById("link").textContent === "Not connected"`)
	page.do(t, chromedp.Click(chromedp.CSS("#fight")))
	page.wait(t, somebodyWon)
	page.wait(t, picturesAreThere)
	page.shot(t, "battle-without-statistics")
	if stored := fetchJSON[[]fought](t, "http://"+hosts["fights"]+"/api/fights"); len(stored) != 1 {
		t.Errorf("%d fights are stored", len(stored))
	}
}

func TestArenaAuto(t *testing.T) {
	browser, w := start(t), startWorld(t)
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, liveIsLive)
	page.do(t, chromedp.Click(chromedp.CSS("#auto")))
	page.wait(t, `document.querySelectorAll("#fights li").length >= 4`)
	page.wait(t, picturesAreThere+` && document.getAnimations().every(animation => animation.playState === "finished")`)
	page.shot(t, "battle-auto")
	page.do(t, chromedp.Click(chromedp.CSS("#auto")))
	page.wait(t, `document.getElementById("auto").getAttribute("aria-pressed") === "false"`)
	page.do(t, chromedp.Sleep(time.Second)) // what is under way ends
	stored := len(w.fights(t))
	page.do(t, chromedp.Sleep(3*time.Second)) // another would have begun
	if after := len(w.fights(t)); after != stored {
		t.Errorf("%d fights after Auto was stopped, %d before", after, stored)
	}
	page.wait(t, fmt.Sprintf(`document.querySelectorAll("#fights li").length === %d`, stored))
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}

func TestArenaHistory(t *testing.T) {
	browser, w := start(t), startWorld(t)
	const many = 47
	for range many {
		w.fight(t)
	}
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, `document.querySelectorAll("#fights li").length === 20`)
	for range 3 {
		page.do(t, chromedp.Evaluate[chromedp.Void](`scrollTo(0, document.body.scrollHeight)`), chromedp.Sleep(100*time.Millisecond))
	}
	page.wait(t, fmt.Sprintf(`document.querySelectorAll("#fights li").length === %d && document.getElementById("older").hidden`, many))
	var ids []string
	for _, fight := range w.fights(t) {
		ids = append(ids, "row-"+fight.ID)
	}
	if shown := eval[[]string](t, page, `[...document.querySelectorAll("#fights li")].map(row => row.id)`); strings.Join(shown, " ") != strings.Join(ids, " ") {
		t.Errorf("shown %v\nstored %v", shown, ids)
	}
	page.shot(t, "history")

	last := w.fights(t)[many-1]
	linked := newTab(browser, t)
	linked.look(t, 360, "dark", "reduce")
	linked.do(t, chromedp.Navigate(w.page+"/#fight-"+last.ID))
	linked.wait(t, `document.querySelector("dialog[open] code")`)
	if title := eval[string](t, linked, `document.getElementById("detail-title").textContent`); title != last.Winner+" beat "+last.Loser {
		t.Errorf("the fight in full is called %q", title)
	}
	linked.wait(t, picturesAreThere)
	linked.shot(t, "fight-in-full-360")
}

func TestArenaLive(t *testing.T) {
	browser, w := start(t), startWorld(t)
	page := newTab(browser, t)
	page.look(t, 1360, "dark", "no-preference")
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, liveIsLive)
	total := func(n int) string {
		return fmt.Sprintf(`document.getElementById("total").textContent === "%d" && document.getElementById("link").dataset.link === "live"`, n)
	}
	page.wait(t, total(0))
	for n := 1; n <= 12; n++ {
		w.fight(t)
		page.wait(t, total(n))
	}
	page.wait(t, `[...document.querySelectorAll("#plot rect")].some(bar => Number(bar.getAttribute("height")) > 0) && document.querySelectorAll("#winners li").length === 10`)
	page.wait(t, `!document.getElementById("newer").hidden`)
	page.do(t, chromedp.Click(chromedp.CSS("#newer")))
	page.wait(t, `document.querySelectorAll("#fights li").length === 12 && document.getElementById("newer").hidden`)
	page.shot(t, "live-dark")

	w.parts["statistics"].Stop()
	page.wait(t, `document.getElementById("link").textContent.startsWith("Behind") && document.querySelector("#live-notice .notice").textContent.includes("statistics")`)
	page.shot(t, "live-behind")
	w.fight(t)
	w.parts["statistics"].Start(t)
	page.wait(t, total(13))
	page.wait(t, `!document.querySelector("#live-notice .notice")`)
}

func TestArenaCatalog(t *testing.T) {
	browser, w := start(t), startWorld(t)
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate(w.page+"/heroes"))
	page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
	page.wait(t, picturesAreThere)
	page.shot(t, "heroes")
	page.do(t, chromedp.Click(chromedp.CSS("#next")))
	page.wait(t, `document.getElementById("page").textContent === "Page 2" && document.querySelector("#entries a").hash === "#25"`)
	page.do(t, chromedp.Click(chromedp.CSS("#previous")))
	page.wait(t, `document.querySelector("#entries a").hash === "#1"`)
	page.do(t, chromedp.SendKeys(chromedp.CSS("#name"), "yoda"))
	page.wait(t, `document.querySelectorAll("#entries li").length === 1 && document.querySelector(".entry-name").textContent === "Yoda" && location.search === "?name=yoda"`)
	page.do(t, chromedp.Click(chromedp.CSS("#entries a")))
	page.wait(t, `document.querySelector("dialog[open] .chips") && location.hash === "#1"`)
	if eval[bool](t, page, `Boolean(document.querySelector("dialog .danger"))`) {
		t.Error("it can be deleted without a token")
	}
	page.wait(t, picturesAreThere)
	page.shot(t, "hero-in-full")
	page.do(t, chromedp.Click(chromedp.CSS(".close")))

	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
	for _, other := range []string{"villains", "locations"} {
		page.do(t, chromedp.Navigate(w.page+"/"+other))
		page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
		page.wait(t, picturesAreThere)
		page.shot(t, other)
	}
}

func TestArenaEditing(t *testing.T) {
	browser, w := start(t), startWorld(t)
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate(w.page+"/heroes"))
	page.wait(t, `document.querySelectorAll("#entries li").length === 24`)
	use := func(text string) {
		page.do(t, chromedp.Click(chromedp.CSS("#token summary")), chromedp.SendKeys(chromedp.CSS("#token-text"), text),
			chromedp.Click(chromedp.CSS("#token-use")))
	}
	in := func(field, text string) {
		page.do(t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById("field-%s").value = ""`, field)), chromedp.SendKeys(chromedp.CSS("#field-"+field), text))
	}
	submit := chromedp.Click(chromedp.CSS("dialog button[type=submit]"))

	use("wrong")
	page.do(t, chromedp.Click(chromedp.CSS("#create")))
	in("name", "Gopher")
	page.do(t, submit)
	page.wait(t, `document.querySelector("dialog .notice").textContent.includes("heroes: the token is not the right one")`)
	page.do(t, chromedp.Click(chromedp.CSS(".close")))

	use(token)
	page.do(t, chromedp.Click(chromedp.CSS("#create")), submit)
	page.wait(t, `document.getElementById("field-name-error").textContent === "This is missing." && document.activeElement.id === "field-name"`)
	page.shot(t, "edit-refused")
	in("name", "Gopher")
	in("level", "42")
	in("powers", "Burrowing, Garbage Collection")
	page.do(t, submit)
	page.wait(t, `document.getElementById("detail-title").textContent === "Gopher" && location.hash === "#4711"`)

	edit := `dialog .controls button:not(.danger)`
	page.do(t, chromedp.Click(chromedp.CSS(edit)))
	in("name", "Go Gopher")
	page.shot(t, "edit")
	page.do(t, submit)
	page.wait(t, `document.getElementById("detail-title").textContent === "Go Gopher"`)
	page.do(t, chromedp.Click(chromedp.CSS("dialog .danger")), chromedp.Click(chromedp.CSS("#delete-yes")))
	page.wait(t, `!document.querySelector("dialog[open]")`)

	want := `POST /api/heroes , POST /api/heroes , POST /api/heroes , PUT /api/heroes/4711 "3", DELETE /api/heroes/4711 "4"`
	if got := w.rooms.done(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}

	other := newTab(browser, t)
	other.do(t, chromedp.Navigate(w.page+"/heroes"))
	other.wait(t, `document.querySelectorAll("#entries li").length === 24`)
	if eval[string](t, other, `document.getElementById("token-state").textContent`) != "off" {
		t.Error("another tab has the token")
	}
}

// TestArenaPartAway stops services under the page and starts them again: it says which is away, where that matters, and
// goes on when it is back.
func TestArenaPartAway(t *testing.T) {
	browser, w := start(t), startWorld(t)
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, fightersAreThere)
	w.parts["fights"].Stop()
	page.do(t, chromedp.Click(chromedp.CSS("#fight")))
	page.wait(t, `document.querySelector("#battle-notice [role=alert]").textContent.includes("fights failed to answer")`)
	page.shot(t, "fights-away")
	w.parts["fights"].Start(t)
	page.do(t, chromedp.Click(chromedp.CSS("#battle-notice button")))
	checkFought(t, page, w, 1)
	page.wait(t, `!document.querySelector("#battle-notice .notice")`)

	for _, part := range []string{"heroes", "statistics"} {
		w.parts[part].Stop()
	}
	page.do(t, chromedp.Navigate(w.page+"/status"))
	page.wait(t, `document.getElementById("summary").textContent === "4 of 6 services are ready"`)
	page.wait(t, `document.getElementById("service-heroes").textContent.includes("heroes failed to answer")`)
	page.shot(t, "status-heroes-away")
	page.do(t, chromedp.Navigate(w.page+"/heroes"))
	page.wait(t, `document.querySelector("#catalog-notice [role=alert]").textContent.includes("heroes failed to answer")`)
	page.shot(t, "heroes-away")
	for _, part := range []string{"heroes", "statistics"} {
		w.parts[part].Start(t)
	}
	page.do(t, chromedp.Click(chromedp.CSS("#catalog-notice button")))
	page.wait(t, `document.querySelectorAll("#entries li").length === 24 && !document.querySelector("#catalog-notice .notice")`)
	page.do(t, chromedp.Navigate(w.page+"/status"))
	page.wait(t, `document.getElementById("summary").textContent === "All services are ready"`)
	page.shot(t, "status")
}

// TestArenaNamesAreInert shows names that are markup wherever the page shows names.
func TestArenaNamesAreInert(t *testing.T) {
	names := []string{
		`<img src=x onerror="document.title='run'">`, `<script>document.title="run"</script>`, `"><svg onload=document.title='run'>`,
		`javascript:document.title='run'`, `&lt;b&gt;${document.title}{{.}}</b>`,
	}
	browser, w := start(t), startWorld(t, names...)
	for _, name := range names {
		body, _ := json.Marshal(map[string]any{
			"hero":     map[string]any{"name": name, "level": 9, "powers": name + "," + name, "otherName": name, "picture": "http://superheroes.invalid/x.png"},
			"villain":  map[string]any{"name": name, "level": 1, "powers": name},
			"location": map[string]any{"name": name, "description": name, "type": "CITY"},
		})
		response, err := http.Post("http://"+w.hosts["fights"]+"/api/fights", "application/json", strings.NewReader(string(body)))
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		_ = response.Body.Close()
	}
	all, _ := json.Marshal(names)
	page := newTab(browser, t)
	page.look(t, 1360, "light", "reduce")
	shows := func(inside string) {
		t.Helper()
		page.wait(t, fmt.Sprintf(`%s.every(name => document.querySelector(%q).textContent.includes(name))`, all, inside))
	}
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, fightersAreThere)
	shows("#fights")
	shows("#winners")
	page.do(t, chromedp.Click(chromedp.CSS("#fights a")))
	page.wait(t, `document.querySelector("dialog[open] code")`)
	page.shot(t, "names-are-text")
	page.do(t, chromedp.Navigate(w.page+"/heroes?after=120"))
	shows("#entries")
	for i, hash := range eval[[]string](t, page, `[...document.querySelectorAll("#entries a")].map(link => link.hash)`) {
		page.do(t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = %q`, hash)))
		page.wait(t, fmt.Sprintf(`document.querySelector("dialog[open] h2").textContent === %s[%d]`, all, i))
	}
	if title := eval[string](t, page, "document.title"); !strings.HasPrefix(title, "Heroes") {
		t.Errorf("a name was run: the title is %s", title)
	}
	page.mu.Lock()
	defer page.mu.Unlock()
	for _, request := range page.requests {
		if at, err := url.Parse(request); err != nil || at.Host != strings.TrimPrefix(w.page, "http://") || strings.HasSuffix(at.Path, "/x") {
			t.Errorf("a request to %s", request)
		}
	}
}

// TestArenaAccessible has axe look at every page in both palettes, wide and narrow, with all that can be opened open.
func TestArenaAccessible(t *testing.T) {
	browser, script := start(t), axe(t)
	w := startWorld(t)
	for range 3 {
		w.fight(t)
	}
	screens := []struct{ name, path, ready string }{
		{"battle", "/", liveIsLive + "&&" + fightersAreThere},
		{"fight", "/#fight-" + w.fights(t)[0].ID, `document.querySelector("dialog[open] code")`},
		{"heroes", "/heroes", `document.querySelectorAll("#entries li").length > 0`},
		{"hero", "/heroes#1", `document.querySelector("dialog[open] .chips")`},
		{"villains", "/villains?after=24", `document.querySelectorAll("#entries li").length > 0`},
		{"an error", "/locations", `document.querySelector(".notice")`},
		{"status", "/status", `document.getElementById("summary").textContent === "All services are ready"`},
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1360, 360} {
			for _, screen := range screens {
				t.Run(fmt.Sprintf("%s, %s, %d", screen.name, scheme, width), func(t *testing.T) {
					page := newTab(browser, t)
					page.look(t, width, scheme, "reduce")
					if screen.name == "an error" {
						w.parts["locations"].Stop()
						defer w.parts["locations"].Start(t)
					}
					page.do(t, chromedp.Navigate(w.page+screen.path))
					page.wait(t, screen.ready)
					if screen.name == "battle" {
						page.do(t, chromedp.Click(chromedp.CSS("#fight")))
						page.wait(t, somebodyWon)
					}
					page.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(details => { details.open = true })`))
					page.checkAccessible(t, script)
					if wide := eval[int64](t, page, "document.documentElement.scrollWidth"); wide > width {
						t.Errorf("the page is %d wide in a window of %d", wide, width)
					}
					if screen.path == "/" {
						page.wait(t, picturesAreThere)
					}
					page.shot(t, fmt.Sprintf("page-%s-%s-%d", strings.ReplaceAll(screen.name, " ", "-"), scheme, width))
				})
			}
		}
	}
}
