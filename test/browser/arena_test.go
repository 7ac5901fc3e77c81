package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"superheroes/internal/app"
)

func testBattle(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	host := strings.TrimPrefix(w.page, "http://")
	t.Run("by mouse", func(t *testing.T) {
		page := open(browser, t, w.page)
		page.wait(t, fightersAreThere)
		page.wait(t, liveIsLive)
		page.wait(t, picturesAreThere)
		before := eval[string](t, page, `document.querySelector(".ring").innerText`)
		page.click(t, "#new-fighters")
		page.wait(t, fmt.Sprintf(`document.querySelector(".ring").innerText !== %q`, before))
		before = eval[string](t, page, `document.getElementById("place").innerText`)
		for eval[string](t, page, `document.getElementById("place").innerText`) == before { // a new pick may be the same location
			page.click(t, "#new-place")
			page.wait(t, `!document.getElementById("new-place").hasAttribute("aria-disabled")`)
		}
		page.do(t, chromedp.Evaluate[chromedp.Void](`window.levels = new Set();
			new MutationObserver(() => levels.add([...document.querySelectorAll(".level b")].map(level => level.textContent).join()))
				.observe(document.querySelector(".ring"), {subtree: true, childList: true})`))
		page.click(t, "#fight")
		checkFought(t, page, w, 1)
		if counted := eval[int](t, page, `levels.size`); counted < 3 {
			t.Errorf("the levels had %d values during the fight, so they didn't count up", counted)
		}
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
		page.tabTo(t, "#guess-villain")
		page.press(t, kb.Enter)
		page.tabTo(t, "#fight")
		page.press(t, kb.Enter)
		checkFought(t, page, w, 2)
		if !eval[bool](t, page, `document.activeElement.id === "fight"`) {
			t.Error("the pressed button lost focus")
		}
		if line := eval[string](t, page, `document.getElementById("streak").textContent`); !strings.HasPrefix(line, "You ") {
			t.Errorf("the page says %q about the guess", line)
		}
		if running := eval[int](t, page, `document.getAnimations().length`); running != 0 {
			t.Errorf("%d animations are running despite prefers-reduced-motion", running)
		}
		page.tabTo(t, "#fights a")
		page.press(t, kb.Enter)
		page.wait(t, `document.querySelector("dialog[open] code")`)
		page.wait(t, picturesAreThere)
		page.press(t, kb.Escape)
		page.wait(t, `!document.querySelector("dialog[open]") && document.activeElement.matches("#fights a") && location.hash === ""`)
		page.checkQuiet(t, host)
	})
}

// checkFought checks that exactly one fight was added to the store, and that the page announces its winner.
func checkFought(t *testing.T, page *tab, w *world, stored int) {
	t.Helper()
	page.wait(t, somebodyWon)
	fights := w.fights(t)
	if len(fights) != stored {
		t.Fatalf("%d fights are stored, want %d", len(fights), stored)
	}
	if said := eval[string](t, page, `document.getElementById("call").textContent`); said != fights[0].call() {
		t.Errorf("the page announces %q, want %q as of the stored fight", said, fights[0].call())
	}
	page.wait(t, fmt.Sprintf(`document.querySelector("#fights li").id === "row-%s"`, fights[0].ID))
	story := fetchJSON[struct{ Narration string }](t, "http://"+w.hosts["fights"]+"/api/fights/"+fights[0].ID+"/narration")
	page.wait(t, fmt.Sprintf(`document.getElementById("story").textContent === %q`, story.Narration))
	if winner := eval[string](t, page, `document.querySelector("#stage[data-state=hero-won] #hero h2, #stage[data-state=villain-won] #villain h2").textContent`); winner != fights[0].Winner {
		t.Errorf("the page highlights %s as the winner, want %s", winner, fights[0].Winner)
	}
}

// testOneProcess executes a fight in the arena that `up` serves, with and without the statistics service. Without the
// statistics service, the page must report that statistics is not running, and everything else must work.
func testOneProcess(browser context.Context, t *testing.T) {
	for _, with := range []bool{true, false} {
		t.Run(fmt.Sprintf("statistics %t", with), func(t *testing.T) {
			cfg := settings(t)
			cfg.Statistics = with
			hosts := up(t, cfg)
			page := open(browser, t, "http://"+hosts["arena"])
			page.wait(t, fightersAreThere)
			if with {
				page.wait(t, liveIsLive)
			} else {
				page.wait(t, `document.querySelector("#live-notice .empty").textContent.includes("statistics is not running here")`)
				page.wait(t, `document.getElementById("link").textContent === "Not connected"`)
			}
			page.click(t, "#fight")
			page.wait(t, somebodyWon)
			if stored := fetchJSON[[]fought](t, "http://"+hosts["fights"]+"/api/fights"); len(stored) != 1 {
				t.Errorf("%d fights are stored", len(stored))
			}
			if with {
				page.wait(t, `document.getElementById("total").textContent === "1" && document.querySelectorAll("#winners li").length === 1`)
				page.checkQuiet(t, hosts["arena"])
				return
			}
			page.wait(t, picturesAreThere)
			page.do(t, chromedp.Navigate("http://"+hosts["arena"]+"/status"))
			page.wait(t, `document.getElementById("summary").textContent === "All services are ready"`)
			page.wait(t, `document.getElementById("service-statistics").textContent.includes("is not running here")`)
		})
	}
}

// testAuto turns on Auto mode, which executes a fight every three seconds, and turns it off again. Meanwhile the service
// is away for some time. The tab's timers are accelerated to keep the test short.
func testAuto(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.hurried(t)
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, liveIsLive)
	page.click(t, "#auto")
	page.wait(t, `document.querySelectorAll("#fights li").length >= 2`)
	w.parts["fights"].Stop()
	page.wait(t, `/^[0-9]+ automatic fights failed\. /.test(document.querySelector("#battle-notice [role=alert]").textContent)`)
	page.wait(t, `document.querySelector("#battle-notice a").pathname === "/status"`)
	before := len(w.fights(t))
	w.parts["fights"].Start(t)
	page.wait(t, `/^[0-9]+ automatic fights failed, then they went on/.test(document.querySelector("#battle-notice .empty").textContent)`)
	for len(w.fights(t)) < before+2 {
		page.wait(t, `document.getElementById("auto").getAttribute("aria-pressed") === "true"`)
	}
	page.press(t, kb.Enter) // presses the focused Auto button; a click might miss the button while it moves
	page.wait(t, `document.getElementById("auto").getAttribute("aria-pressed") === "false" && window.underway === 0`)
	stored := len(w.fights(t))
	page.wait(t, fmt.Sprintf(`document.querySelectorAll("#fights li").length === %d`, stored))
	// This wait is long enough for two more fights.
	page.do(t, chromedp.Evaluate[chromedp.Void](`new Promise((resolve) => setTimeout(resolve, 5000))`, chromedp.EvalAwaitPromise))
	if after := len(w.fights(t)); after != stored {
		t.Errorf("%d fights are stored some time after Auto was stopped, want %d as before", after, stored)
	}
	page.wait(t, fmt.Sprintf(`document.querySelectorAll("#fights li").length === %d`, stored))
	page.wait(t, fmt.Sprintf(`document.getElementById("total").textContent === "%d"`, stored))
}

// testFirstScreen checks that both fighters and the Fight! button are on the first screen, in common windows and with
// many pairs.
func testFirstScreen(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	for _, window := range [][2]int64{{1366, 650}, {1440, 900}, {390, 844}} {
		t.Run(fmt.Sprintf("%dx%d", window[0], window[1]), func(t *testing.T) {
			page := newTab(browser, t)
			page.look(t, window[0], "light", "reduce")
			page.do(t, chromedp.EmulateViewport(window[0], window[1]), chromedp.Navigate(w.page))
			page.wait(t, fightersAreThere)
			for range 12 {
				page.wait(t, picturesAreThere)
				low := eval[map[string]float64](t, page, `Object.fromEntries([...document.querySelectorAll(".fighter, #fight")]
					.map(shown => [shown.id || shown.className, shown.getBoundingClientRect()])
					.filter(([, at]) => at.top < 0 || at.bottom > innerHeight).map(([name, at]) => [name, at.bottom]))`)
				if len(low) > 0 {
					t.Errorf("not on the first screen: %v, with %s", low, eval[string](t, page, `document.querySelector(".ring").innerText`))
				}
				page.do(t, chromedp.Evaluate[chromedp.Void](`document.getElementById("new-fighters").click()`)) // without scrolling
				page.wait(t, `!document.getElementById("new-fighters").hasAttribute("aria-disabled")`)
			}
			page.shot(t, fmt.Sprintf("first-%d", window[0]))
		})
	}
}

// testGuess guesses the winners of several fights and checks what the page says about each guess, that the levels are
// hidden until the fight, and that a rematch counts for nothing.
func testGuess(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := newTab(browser, t)
	page.look(t, 1360, "light", "reduce")
	page.do(t, chromedp.Navigate(w.page))
	page.wait(t, fightersAreThere)
	const levels = `[...document.querySelectorAll(".bio .level b")].map(level => level.textContent.replaceAll(",", "")).join(" ")`
	streak, best := 0, 0
	for round := 1; round <= 6; round++ {
		if shown := eval[string](t, page, levels); shown != "? ?" {
			t.Errorf("before the fight, the page shows the levels %s", shown)
		}
		page.click(t, "#guess-hero")
		page.click(t, "#fight")
		page.wait(t, somebodyWon)
		latest := w.fights(t)[0]
		if shown, want := eval[string](t, page, levels), fmt.Sprint(latest.Hero.Level, " ", latest.Villain.Level); shown != want {
			t.Errorf("after the fight, the page shows the levels %s, want %s", shown, want)
		}
		right := latest.Team == "heroes"
		ended := streak
		if streak++; !right {
			streak = 0
		}
		best = max(best, streak)
		if said, want := page.text(t, "#streak"), aboutGuess(latest.Hero.Name, ended, streak, best); said != want {
			t.Errorf("round %d: the page says %q, want %q", round, said, want)
		}
		page.click(t, "#fight") // now "Next pair"
		page.wait(t, `document.getElementById("stage").dataset.state === "ready"`)
	}
	page.click(t, "#fight")
	page.wait(t, somebodyWon)
	page.click(t, "#rematch")
	page.wait(t, `document.querySelectorAll("#fights li").length === 8`)
	fights := w.fights(t)
	if fights[0].Hero.Name != fights[1].Hero.Name || fights[0].Villain.Name != fights[1].Villain.Name {
		t.Errorf("the rematch was %s, want %s", fights[0].Winner+" against "+fights[0].Loser, fights[1].Winner+" against "+fights[1].Loser)
	}
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}

// aboutGuess returns what the page says about the guess that a hero wins: how many guesses before it were right in a row,
// how many are now, and the most so far.
func aboutGuess(hero string, ended, streak, best int) string {
	switch {
	case streak == 0 && ended > 1:
		return fmt.Sprintf("You guessed %s. That ends a streak of %d.", hero, ended)
	case streak == 0:
		return fmt.Sprintf("You guessed %s.", hero)
	case streak == 1 && best > 1:
		return fmt.Sprintf("You were right! Your best streak is %d.", best)
	case streak == 1:
		return "You were right!"
	case best > streak:
		return fmt.Sprintf("You were right! %d right in a row, your best is %d.", streak, best)
	}
	return fmt.Sprintf("You were right! %d right in a row.", streak)
}

// testChoose chooses both fighters and the place: a pair whose levels are close, so that the result is an upset.
func testChoose(browser context.Context, t *testing.T) {
	cfg := settings(t)
	importHeroes(t, cfg.DataDir, app.ImportOptions{Replace: true}, "Somebody", "Underdog", "Underdogs") // all of level 1
	w := startWorld(t, cfg)
	w.change(t, http.MethodPost, "villains", "/api/villains", `{"name":"Overdog","level":1}`)
	page := open(browser, t, w.page)
	page.wait(t, fightersAreThere)
	for _, choice := range [][3]string{{"#choose-hero", "underdog", "Underdog"}, {"#choose-villain", "overdog", "Overdog"}, {"#choose-place", "gotham", "Gotham City"}} {
		page.click(t, chromedp.CSS(choice[0]))
		page.wait(t, `document.querySelector("dialog[open] #choose-name")`)
		page.do(t, chromedp.SendKeys(chromedp.CSS("#choose-name"), choice[1]))
		page.wait(t, fmt.Sprintf(`document.querySelectorAll("dialog .entry").length <= 2 && document.querySelector("dialog .entry-name").textContent === %q`, choice[2]))
		page.click(t, "dialog .entry")
		page.wait(t, fmt.Sprintf(`!document.querySelector("dialog[open]") && document.activeElement.matches(%q)`, choice[0]))
	}
	page.click(t, "#fight")
	page.wait(t, somebodyWon)
	latest := w.fights(t)[0]
	if latest.Hero.Name != "Underdog" || latest.Villain.Name != "Overdog" || latest.Location.Name != "Gotham City" {
		t.Errorf("the chosen fight was stored as %+v", latest)
	}
	if said := eval[string](t, page, `document.getElementById("call").textContent`); said != "Upset! "+latest.Winner+" wins!" {
		t.Errorf("the page announces %q", said)
	}
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}

func testHistory(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	const many = 47
	for range many {
		w.fight(t)
	}
	page := open(browser, t, w.page)
	page.wait(t, `document.querySelectorAll("#fights li").length === 20`)
	page.wait(t, fmt.Sprintf(`(scrollTo(0, document.body.scrollHeight), true) && document.querySelectorAll("#fights li").length === %d && document.getElementById("older").hidden`, many))
	var ids []string
	for _, fight := range w.fights(t) {
		ids = append(ids, "row-"+fight.ID)
	}
	if shown := eval[[]string](t, page, `[...document.querySelectorAll("#fights li")].map(row => row.id)`); strings.Join(shown, " ") != strings.Join(ids, " ") {
		t.Errorf("shown %v\nstored %v", shown, ids)
	}

	last := w.fights(t)[many-1]
	linked := newTab(browser, t)
	linked.look(t, 360, "dark", "reduce")
	linked.do(t, chromedp.Navigate(w.page+"/#fight-"+last.ID))
	linked.wait(t, `document.querySelector("dialog[open] code")`)
	if title := eval[string](t, linked, `document.getElementById("detail-title").textContent`); title != last.Winner+" beat "+last.Loser {
		t.Errorf("the fight's dialog is titled %q", title)
	}
	linked.wait(t, picturesAreThere)
}

// testPartAway stops and restarts services while the page uses them, and checks that the page reports which service is
// unavailable, and recovers afterwards.
func testPartAway(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	w.parts["fights"].Stop()
	page := open(browser, t, w.page)
	page.wait(t, `document.getElementById("call").textContent === "Nobody can fight" && document.querySelector(".stage .notice a").pathname === "/status"`)
	w.parts["fights"].Start(t)
	page.click(t, "#new-fighters")
	page.click(t, "#new-place")
	page.wait(t, fightersAreThere)
	w.parts["fights"].Stop()
	page.click(t, "#fight")
	page.wait(t, `document.querySelector("#battle-notice [role=alert]").textContent.includes("can’t reach fights")`)
	w.parts["fights"].Start(t)
	page.click(t, "#battle-notice button")
	checkFought(t, page, w, 1)
	page.wait(t, `!document.querySelector("#battle-notice .notice")`)

	for _, part := range []string{"heroes", "statistics"} {
		w.parts[part].Stop()
	}
	page.do(t, chromedp.Navigate(w.page+"/status"))
	page.wait(t, `document.getElementById("summary").textContent === "4 of 6 services are ready"`)
	page.wait(t, `document.getElementById("service-heroes").textContent.includes("can’t reach heroes")`)
	page.do(t, chromedp.Navigate(w.page+"/heroes"))
	page.wait(t, `document.querySelector("#catalog-notice [role=alert]").textContent.includes("can’t reach heroes")`)
	for _, part := range []string{"heroes", "statistics"} {
		w.parts[part].Start(t)
	}
	page.click(t, "#catalog-notice button")
	page.wait(t, `document.querySelectorAll("#entries li").length === 24 && !document.querySelector("#catalog-notice .notice")`)
	page.do(t, chromedp.Navigate(w.page+"/status"))
	page.wait(t, `document.getElementById("summary").textContent === "All services are ready"`)
}

// testTraffic checks that the status page shows the traffic of services that are measured, updates it in place, and shows
// a dash where there are no data: for a service without requests, and for an arena that isn't measured.
func testTraffic(browser context.Context, t *testing.T) {
	cfg := settings(t)
	cfg.AdminAddr = "127.0.0.1:0"
	w := startWorld(t, cfg)
	page := open(browser, t, w.page+"/status")
	const figures = `(service => [...document.querySelectorAll("#service-" + service + " dd")].slice(0, 3))`
	page.wait(t, figures+`("fights").length === 3`)
	page.do(t, chromedp.Evaluate[chromedp.Void](`const first = document.querySelector("#service-fights dd")`))
	for !eval[bool](t, page, figures+`("fights").every(dd => dd.textContent !== "")`) {
		w.fight(t)
	}
	if !eval[bool](t, page, `first.isConnected`) {
		t.Error("the figure is in a new element")
	}
	page.wait(t, figures+`("heroes")[0].textContent === "0 per second"`)
	for service, want := range map[string]string{
		"fights": `^[\d,.]+ per second\|0 per second\|[\d,.]+ ms$`, "heroes": `^0 per second\|0 per second\|$`, "arena": `^\|\|$`,
	} {
		text := eval[string](t, page, figures+`("`+service+`").map(dd => dd.textContent).join("|")`)
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s: got %q, want %s", service, text, want)
		}
	}
	if dash := eval[string](t, page, `getComputedStyle(document.querySelector("#service-arena dd"), "::before").content`); dash != `"–" / "no data"` {
		t.Errorf("got %s in place of a dash", dash)
	}
	page.shot(t, "status")
	page.look(t, 360, "dark", "reduce")
	page.shot(t, "status-narrow")
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}

// testNamesAreInert uses names that contain HTML or scripts, and checks that the page displays them as plain text
// everywhere.
func testNamesAreInert(browser context.Context, t *testing.T) {
	names := []string{
		`<img src=x onerror="document.title='run'">`, `<script>document.title="run"</script>`, `"><svg onload=document.title='run'>`,
		`javascript:document.title='run'`, `&lt;b&gt;${document.title}{{.}}</b>`,
	}
	cfg := settings(t)
	importHeroes(t, cfg.DataDir, app.ImportOptions{}, names...)
	w := startWorld(t, cfg)
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
	page.click(t, "#fights a")
	page.wait(t, `document.querySelector("dialog[open] code")`)
	page.wait(t, fmt.Sprintf(`document.querySelector("dialog[open] .story").textContent.includes(%q)`, names[len(names)-1]))
	page.do(t, chromedp.Navigate(w.page+"/heroes?after=120"))
	shows("#entries")
	for i, hash := range eval[[]string](t, page, `[...document.querySelectorAll("#entries a")].map(link => link.hash)`) {
		page.do(t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = %q`, hash)))
		page.wait(t, fmt.Sprintf(`document.querySelector("dialog[open] h2").textContent === %s[%d]`, all, i))
	}
	if title := eval[string](t, page, "document.title"); !strings.HasPrefix(title, "Heroes") {
		t.Errorf("a script in a name was executed: it changed the page's title to %s", title)
	}
	page.mu.Lock()
	defer page.mu.Unlock()
	for _, request := range page.requests {
		if at, err := url.Parse(request); err != nil || at.Host != strings.TrimPrefix(w.page, "http://") || strings.HasSuffix(at.Path, "/x") {
			t.Errorf("a request to %s", request)
		}
	}
}
